"""Acts and their entries: both in one transaction, or neither."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest

from reliability import access, live
from reliability.access import queries as access_queries
from reliability.audit.domain import chain, facts
from reliability.audit.models import DONE, FAILED, REFUSED, Entry
from reliability.kernel.errors import Refused
from reliability.kernel.telemetry import metrics, names, tracing
from reliability.kernel.text import is_storable, printable

log = structlog.get_logger(__name__)

# "mainstay" and "audit" as numbers; any two that nobody else takes would do.
_LOCK = (1_835_100_526, 1_635_083_369)


class ReasonRequired(Refused):
    """A reason is required."""

    code = "reason-required"
    status = 422


class ReasonTooLong(Refused):
    """The reason is too long."""

    code = "reason-too-long"
    status = 422


class ReasonNotText(Refused):
    """The reason has a character in it that cannot be kept (NUL, or half of one): type it anew."""

    code = "reason-not-text"
    status = 422


class LeftAlone(Exception):
    """Raised in an act's block when there is nothing to do, or somebody else does it: no entry is written."""


@dataclass(slots=True, kw_only=True)
class Draft:
    """The entry being written while an act runs: the act may add facts and topics, and name its target better."""

    actor: access.Actor
    act: str
    target: str
    reason: str
    topics: set[str]
    facts: dict[str, object] = field(default_factory=dict)
    outcome: str = DONE

    def not_done(self, error: Exception) -> None:
        """Say that it was refused, or failed, and why. For a block that notes this itself, in the same transaction."""
        if isinstance(error, Refused):
            self.outcome = REFUSED
            self.facts |= {"code": error.code, "why": str(error)}
        else:
            self.outcome = FAILED
            self.facts |= {"error": type(error).__name__, "why": str(error)}

    def check_topics(self, topics: Collection[str]) -> None:
        """Authorise topics that became known only inside the act, and keep them; raises ``access.Denied``."""
        self.topics.update(topics)
        access.authorize(self.actor, self.act, topics=topics)


@contextmanager
def action(
    act: str,
    *,
    actor: access.Actor,
    target: str,
    reason: str = "",
    topics: Collection[str] = (),
    facts: Mapping[str, object] | None = None,
) -> Iterator[Draft]:
    """Run one operator act: the block is its transaction, and its entry commits with it.

    Checks the right and the reason first. When the block raises, everything in it is rolled back, an entry says that it
    was refused (``Refused``) or failed, and the error goes on. Cannot stand inside another transaction or act.
    ``LeftAlone`` rolls back and goes on too, without an entry.
    """
    right = access.RIGHTS.get(act)
    if right is None:
        raise access.UnknownAct(act)
    draft = Draft(actor=actor, act=act, target=target, reason=reason, topics=set(topics), facts=dict(facts or {}))
    begun, written = False, None
    try:
        with transaction.atomic(durable=True):
            begun = True
            access.authorize(actor, act, topics=topics)
            _check_reason(reason, required=right.needs_reason)
            yield draft
            written = _append(draft)
    except LeftAlone:
        raise
    except Refused as refusal:
        draft.not_done(refusal)
        _append_afterwards(draft)
        raise
    except Exception as error:  # whatever it was, it is on record before it goes on
        if not begun:  # nested in another transaction, or no database: nothing was tried
            raise
        draft.not_done(error)
        _append_afterwards(draft, unless=written)
        raise


@contextmanager
def admitted(act: str, *, actor: access.Actor, target: str) -> Iterator[None]:
    """Check the role, then look up in the block what the act is about: what is refused here is on record like an act.

    The role comes first, and a thing out of sight is looked up as one that there is not: so nobody finds out what is
    hidden by trying to act on it. Raises ``access.Denied``.
    """
    try:
        access.admit(actor, act)
        yield
    except Refused as refusal:
        record_refusal(actor, act, target, refusal)
        raise


def record_refusal(actor: access.Actor, act: str, target: str, refusal: Refused) -> None:
    """Keep an act refused before it began. Strangers leave only a log line: else anybody could fill the audit."""
    if not actor.is_signed_in:
        log.warning("act_refused_to_stranger", act=act, target=printable(target, limit=200))
        return
    draft = Draft(actor=actor, act=act, target=target, reason="", topics=set())
    draft.not_done(refusal)
    _append_afterwards(draft)


def record_password_change(sender: object, *, request: HttpRequest, **_: object) -> None:
    """Keep that somebody changed their own password: allauth says so after it happened."""
    actor = access.actor_of(request)
    if actor.role is not None:
        with action("accounts.password", actor=actor, target=f"account:{actor.account}"):
            pass


def record_factor(*, what: str, user: AbstractBaseUser, authenticator: Any, **_: object) -> None:
    """Keep that somebody set up, renewed or took off a second factor: allauth says so after it happened."""
    actor = access_queries.actor_of_user(user)
    if actor.role is not None:
        with action("accounts.factor", actor=actor, target=f"account:{actor.account}") as entry:
            entry.facts |= {"factor": str(authenticator.type), "what": what}


def _check_reason(reason: str, *, required: bool) -> None:
    if required and not any(each.isprintable() and not each.isspace() for each in reason):
        raise ReasonRequired
    if not is_storable(reason):  # acts keep it in their own rows, too
        raise ReasonNotText
    if len(reason) > facts.LONGEST_REASON:
        raise ReasonTooLong(f"A reason has at most {facts.LONGEST_REASON} characters, this one has {len(reason)}.")


def _append_afterwards(draft: Draft, *, unless: Entry | None = None) -> None:
    """Write the entry of an act that did not happen, in a transaction of its own; the act's own error matters more.

    ``unless``: the entry that was being committed when the connection was lost. It may be there all the same.
    """
    try:
        with transaction.atomic():
            _take_turn()  # so whoever still commits it has ended
            if unless is not None and Entry.objects.filter(seq=unless.seq, hash=unless.hash).exists():
                log.warning("act_done_unheard", act=draft.act, actor=draft.actor.name, seq=unless.seq)
                live.changed("activity")
                _written(unless)
                return
            _append(draft)
    except DatabaseError as error:
        outcome = "unknown" if unless is not None else draft.outcome
        log.error("audit_entry_lost", act=draft.act, actor=draft.actor.name, outcome=outcome, reason=str(error))


def _take_turn() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", _LOCK)


def _append(draft: Draft) -> Entry:
    """Add the next link. Last thing before the commit: from here to there every other act waits.

    Reads the head in a statement after the lock's, so it sees what the lock's last owner committed (READ COMMITTED).
    The instant is the database's, one clock for all processes.
    """
    _take_turn()
    with connection.cursor() as cursor:
        cursor.execute("select clock_timestamp()")
        (at,) = cursor.fetchone()
    newest = Entry.objects.order_by("-seq").values_list("seq", "hash").first()
    head = chain.Head(seq=newest[0], hash=bytes(newest[1])) if newest else chain.EMPTY
    entry = Entry(
        seq=head.seq + 1,
        at=at,
        actor_kind=draft.actor.kind,
        actor_name=printable(draft.actor.name, limit=300),
        actor_account=printable(draft.actor.account, limit=200),
        act=draft.act,
        target=facts.target(draft.target),
        topics=facts.topics(draft.topics),
        reason=facts.reason(draft.reason),
        outcome=draft.outcome,
        facts_json=chain.canonical(_facts(draft)),
        trace_id=tracing.current_trace_id() or "",
        request_id=_request_id(),
        prev_hash=head.hash,
    )
    entry.hash = chain.hash_of(prev_hash=head.hash, fields=entry.link().fields)
    entry.save(force_insert=True)
    transaction.on_commit(lambda: _written(entry))
    live.changed("activity")
    return entry


def _facts(draft: Draft) -> dict[str, object]:
    left_out = facts.left_out(draft.topics)
    return facts.plain_mapping(draft.facts | ({"topics_not_listed": left_out} if left_out else {}))


def _request_id() -> str:
    return printable(str(structlog.contextvars.get_contextvars().get("request_id", "")), limit=128)


def _written(entry: Entry) -> None:
    """After the commit. The log line carries the head out of the database, where nobody can change both."""
    metrics.inc(names.ACTS, act=entry.act, outcome=entry.outcome)
    log.info("audit_entry_written", seq=entry.seq, act=entry.act, outcome=entry.outcome, hash=bytes(entry.hash).hex())
