"""Discarding letters for a reason, and undoing it within a window."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from dlq.domain.plan import LETTERS_MAX, Leaving
from dlq.domain.scope import Scope
from dlq.models import Discard, DiscardedLetter
from dlq.models.letters import FREE, State
from dlq.operations import following, policy, standing
from dlq.queries import discards as queries
from dlq.queries import limits, scopes
from reliability import access, audit
from reliability.console import registry
from reliability.kernel import text
from reliability.kernel.errors import Refused

REASON_CHARS_MAX = 2_000


class NothingToDiscard(Refused):
    """None of these letters can be discarded."""

    code = "nothing-to-discard"


class CountChanged(Refused):
    """The scope has another number of letters by now: look again."""

    code = "count-changed"


class UndoOver(Refused):
    """The time for undoing this discard is over."""

    code = "undo-over"


class AlreadyUndone(Refused):
    """This discard was undone already."""

    code = "already-undone"


def discard(*, scope: Scope, reason: str, actor: access.Actor, now: datetime, expected: int | None = None) -> Discard:
    """Give letters up; undoable until ``undo_until``. Letters being replayed or closed are left alone, and so is what
    the actor may not see, as if it were not there.

    ``expected``: how many the operator was shown; another number refuses the act. Raises ``NothingToDiscard``,
    ``CountChanged``, ``NoSuchLetter``, ``NoSuchGroup``, ``NoSuchReplay``, ``scopes.TooMany``, ``limits.TooSlow``,
    ``access.Denied``, ``audit.ReasonRequired``.
    """
    target = f"discard of {scope.in_words()}"
    with audit.admitted("letters.discard", actor=actor, target=target):
        scopes.check_named(scope, actor=actor)
        chosen, skipped = _chosen(scope, actor)
        _check_count(len(chosen), expected)
        if not chosen:
            raise NothingToDiscard
    topics = sorted(set(chosen.values()))
    with audit.action("letters.discard", actor=actor, target=target, reason=reason, topics=topics) as entry:
        made = _discard(scope, list(chosen), skipped, topics=topics, reason=reason, actor=actor, now=now)
        _check_count(made.count, expected)  # others may have taken some meanwhile: then nothing of this is done
        entry.target = f"discard:{made.pk}"
        entry.facts |= {"letters": made.count, "skipped": dict(made.skipped), "scope": scope.in_words()}
    return made


def _check_count(found: int, expected: int | None) -> None:
    if expected is not None and found != expected:
        raise CountChanged(f"The scope has {found} letters to discard now, not {expected}: look again.")


def count(*, scope: Scope, actor: access.Actor) -> int:
    """Return how many letters ``discard`` would give up now; raises what it raises when nothing is there."""
    scopes.check_named(scope, actor=actor)
    return len(_chosen(scope, actor)[0])


def _chosen(scope: Scope, actor: access.Actor) -> tuple[dict[int, str], Counter[str]]:
    """Letters that can be discarded with their topics, and why others cannot."""
    visible = access.visible_topics(actor)
    leaders = scopes.leaders(scope, visible=visible).order_by("pk")
    with limits.at_most(limits.SCOPE_S):
        rows = list(leaders.values_list("pk", "state", "origin_topic")[: LETTERS_MAX + 1])
    if len(rows) > LETTERS_MAX:
        raise scopes.TooMany(f"The scope has more than {LETTERS_MAX:,} letters: discard it in parts.")
    skipped: Counter[str] = Counter()
    chosen: dict[int, str] = {}
    for pk, state, topic in rows:
        if state not in FREE:
            skipped[state] += 1
        else:
            chosen[pk] = topic
    if absent := scopes.absent(scope, visible=visible):
        skipped[Leaving.NOT_THERE] = len(absent)
    return chosen, skipped


def _discard(
    scope: Scope,
    ids: list[int],
    skipped: Counter[str],
    *,
    topics: list[str],
    reason: str,
    actor: access.Actor,
    now: datetime,
) -> Discard:
    moved = standing.stand(ids, to=State.DISCARDED, now=now, sources=FREE)
    if not moved:
        raise NothingToDiscard
    if meanwhile := len(ids) - len(moved):
        skipped["taken by somebody else meanwhile"] += meanwhile
    made = Discard.objects.create(
        scope=scope.as_json(),
        reason=text.printable(reason.strip(), limit=REASON_CHARS_MAX),
        actor=actor.shown,
        topics=topics,
        count=len(moved),
        skipped=dict(skipped),
        created_at=now,
        undo_until=now + policy.discard_undo(),
    )
    DiscardedLetter.objects.bulk_create(
        [DiscardedLetter(discard=made, letter_id=letter.id, was=letter.was) for letter in moved], batch_size=5_000
    )
    registry.touched("dlq.discard", [made.pk], by="dlq")
    return made


def undo(*, discard_id: int, actor: access.Actor, now: datetime) -> Discard:
    """Give the letters of a discard their states back; those whose failures another letter tells of by now follow it.

    Raises ``NoSuchDiscard``, ``UndoOver``, ``AlreadyUndone``."""
    target = f"discard:{discard_id}"
    with audit.admitted("letters.restore", actor=actor, target=target):
        topics = queries.visible_discard(discard_id, actor=actor).topics
    with audit.action("letters.restore", actor=actor, target=target, topics=topics) as entry:
        made = Discard.objects.select_for_update().get(pk=discard_id)
        if made.undone_at is not None:
            raise AlreadyUndone
        if now >= made.undo_until:
            raise UndoOver(f"This discard could be undone until {made.undo_until:%Y-%m-%d %H:%M} UTC.")
        restored = repeated = 0
        for was in FREE:
            ids = list(made.letters.filter(was=was).values_list("letter_id", flat=True))
            moved = standing.stand(ids, to=was, now=now, sources=(State.DISCARDED,))
            restored += len(moved)
            repeated += following.give_way(letter.id for letter in moved)
        made.undone_at, made.undone_by = now, actor.shown
        made.save()
        entry.facts |= {"letters": restored} | ({"failed_again_meanwhile": repeated} if repeated else {})
        registry.touched("dlq.discard", [made.pk], by="dlq")
    return made
