"""Reading the audit: pages of entries, and the check of the whole chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL

from reliability import access
from reliability.audit.domain import chain
from reliability.audit.models import Entry

PAGE = 50
LARGEST_PAGE = 200
_PART = '"batch":'  # a key of the facts; inside a value its quotes would be escaped
_CHUNK = 2_000  # rows held in memory while the chain is checked

# True when no topic of the entry is hidden by one regular expression.
_NONE_HIDDEN = "not exists (select from unnest(reliability_audit_entry.topics) as named (topic) where topic !~ %s)"
_ACTS_ON_RECORD = """
select named.act from unnest(%s::text[]) as named (act)
where exists (select from reliability_audit_entry as entry where entry.act = named.act)
order by named.act
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """Which entries; an empty field asks for nothing. ``act`` and ``target`` ending in ``*`` mean what starts so.

    ``parts`` False: without the items of bulk acts, each of which has an entry for the whole.
    ``target_is``: the whole target, whatever it ends in.
    """

    actor: str = ""
    act: str = ""
    target: str = ""
    target_is: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
    parts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Entries from the newest down; ``next_before`` is the ``before`` of the following page, None on the last one."""

    entries: list[Entry]
    next_before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What the check of the chain found: how many entries are good, the last good one, and the first bad one if any."""

    checked: int
    head: chain.Head
    broken: chain.Break | None


def entries(*, actor: access.Actor, wanted: EntryFilter, before: int | None = None, limit: int = PAGE) -> Page:
    """One page of what this actor may see of the audit. Does not check ``activity.view``: the entrance does."""
    rows = _visible_to(actor).filter(_condition(wanted))
    if before is not None:
        rows = rows.filter(seq__lt=before)
    limit = max(1, min(limit, LARGEST_PAGE))
    found = list(rows.order_by("-seq")[: limit + 1])
    more = len(found) > limit
    return Page(entries=found[:limit], next_before=found[limit - 1].seq if more else None)


def entry(*, actor: access.Actor, seq: int) -> Entry | None:
    """One entry, if this actor may see it."""
    return _visible_to(actor).filter(seq=seq).first()


def recent(*, actor: access.Actor, since: datetime, limit: int = PAGE) -> list[Entry]:
    """The newest entries since an instant, for a timeline: a bulk act is one line, not a thousand."""
    return entries(actor=actor, wanted=EntryFilter(since=since, parts=False), limit=limit).entries


def acts(*, actor: access.Actor) -> list[str]:
    """The acts that have an entry, for a filter's choices; one index step for each act that the actor may see."""
    confident = _is_in_confidence(actor)
    known = sorted(act for act, right in access.RIGHTS.items() if confident or not right.in_confidence)
    with connection.cursor() as cursor:
        cursor.execute(_ACTS_ON_RECORD, [known])
        return [act for (act,) in cursor.fetchall()]


def verify(*, heads: Mapping[int, bytes] | None = None) -> Verification:
    """Check every link, reading in order and holding few rows at a time. ``heads``: see ``chain.check``."""
    checked, head = 0, chain.EMPTY
    for found in chain.check(_links(), heads=heads):
        if isinstance(found, chain.Break):
            return Verification(checked=checked, head=head, broken=found)
        checked, head = checked + 1, found
    return Verification(checked=checked, head=head, broken=None)


def _links() -> Iterator[chain.Link]:
    for row in Entry.objects.order_by("seq").iterator(chunk_size=_CHUNK):
        yield row.link()


def _visible_to(actor: access.Actor) -> QuerySet[Entry]:
    """Entries of which the actor may see every topic. Of acts bounded by topics that name none, only its own.

    What was done to accounts, tokens and settings is for admins; others see of it what they did themselves.
    """
    rows = Entry.objects.all()
    if actor.role is None:
        return rows.none()
    if not _is_in_confidence(actor):
        confidential = [right.act for right in access.RIGHTS.values() if right.in_confidence]
        rows = rows.exclude(Q(act__in=confidential) & ~Q(actor_account=actor.account))
    patterns = actor.scopes.regexes()
    if not patterns:
        return rows
    by_topic = [right.act for right in access.RIGHTS.values() if right.by_topic]
    own = Q(actor_name=actor.name, actor_kind=actor.kind, actor_account=actor.account)
    rows = rows.exclude(Q(act__in=by_topic, topics=[]) & ~own)
    for pattern in patterns:
        rows = rows.filter(RawSQL(_NONE_HIDDEN, [pattern], output_field=BooleanField()))  # noqa: S611 - a constant, one parameter
    return rows


def _is_in_confidence(actor: access.Actor) -> bool:
    return actor.role is not None and actor.role.covers(access.Role.ADMIN)


def _condition(wanted: EntryFilter) -> Q:
    condition = Q()
    if "\x00" in wanted.actor + wanted.act + wanted.target + wanted.target_is + wanted.outcome:
        return Q(pk__in=[])  # no entry has one, and PostgreSQL's text has no room for it
    if wanted.actor:
        condition &= Q(actor_name=wanted.actor) | Q(actor_account=wanted.actor)
    if wanted.act:
        condition &= _starts_or_is("act", wanted.act)
    if wanted.target:
        condition &= _starts_or_is("target", wanted.target)
    if wanted.target_is:
        condition &= Q(target=wanted.target_is)
    if wanted.outcome:
        condition &= Q(outcome=wanted.outcome)
    if wanted.since is not None:
        condition &= Q(at__gte=wanted.since)
    if wanted.until is not None:
        condition &= Q(at__lt=wanted.until)
    if not wanted.parts:
        condition &= ~Q(facts_json__contains=_PART)
    return condition


def _starts_or_is(field: str, text: str) -> Q:
    return Q(**{f"{field}__startswith": text[:-1]}) if text.endswith("*") else Q(**{field: text})
