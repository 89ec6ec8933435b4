"""The dry run of a repair: what would be done, and what would hold before and after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import orjson

from reliability.kernel.errors import Refused
from reliability.kernel.text import printable
from sagas.domain.reconciling.commands import Command
from sagas.domain.reconciling.comparing import ERROR_CHARACTERS_MAX, Judged, judge
from sagas.domain.reconciling.definition import Reconciliation, Repair
from sagas.domain.reconciling.finding import Finding
from sagas.domain.reconciling.pair import Pair, fingerprint

COMMANDS_MAX: Final = 20  # of one repair; what takes more is a saga


class NoRepair(Refused):
    """The difference has no such repair."""

    code = "no-repair"
    status = 404


class WouldNotHelp(Refused):
    """The repair would not make both sides agree."""

    code = "repair-would-not-help"


class RepairBroken(Refused):
    """The repair's own code failed on this key."""

    code = "repair-broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Whether an invariant holds before and after."""

    name: str
    title: str
    before: bool
    after: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a repair would do to one key. ``hash`` names exactly this: both sides as they are, and these commands.

    ``ends`` says what would still be wrong, "" when the sides would agree. ``refusal``: why it is not done.
    """

    repair: Repair
    commands: Sequence[Command]
    pair: Pair
    after: Pair
    checks: Sequence[Check]
    ends: str
    hash: str
    refusal: str = ""


def repair_key(reconciliation: str, key: str, finding: Finding, *, number: int) -> str:
    """The idempotency key of the next repair of finding ``number``: the same until one was applied.

    The number is in it because a finding is forgotten after a while, and the next one of its key begins anew.
    """
    return f"repair/{reconciliation}/{key}/{number}.{finding.episode}.{finding.repairs + 1}"


def propose(reconciliation: Reconciliation, judged: Judged, name: str, *, key: str) -> Proposal:
    """Return the dry run of the repair ``name``, "" for the best one; raises ``NoRepair`` and ``RepairBroken``."""
    repair = _repair(reconciliation, judged, name)
    try:
        commands = tuple(repair.commands(judged.pair, key))
        after = repair.leads_to(judged.pair)
        facts = [command.facts() for command in commands]
        packed = orjson.dumps([fingerprint(judged.pair), repair.name, key, facts], option=orjson.OPT_SORT_KEYS)
    except Exception as error:  # the definition is somebody's code: an operator gets a sentence, not a broken page
        told = printable(f"{type(error).__name__}: {error}", limit=ERROR_CHARACTERS_MAX)
        raise RepairBroken(f"The repair {repair.name} failed on {judged.pair.key}: {told}") from error
    foreseen = judge(reconciliation, after)
    checks = tuple(
        Check(
            name=each.name,
            title=each.title,
            before=each.name not in judged.violated,
            after=not foreseen.error and each.name not in foreseen.violated,
        )
        for each in reconciliation.invariants
    )
    return Proposal(
        repair=repair,
        commands=commands,
        pair=judged.pair,
        after=after,
        checks=checks,
        ends=foreseen.why,
        hash=blake2b(packed, digest_size=16).hexdigest(),
        refusal=_refusal(commands, checks, judged, foreseen),
    )


def _repair(reconciliation: Reconciliation, judged: Judged, name: str) -> Repair:
    if not judged.difference:
        raise NoRepair(f"Both sides agree on {judged.pair.key} now: there is nothing to repair.")
    kind = reconciliation.difference(judged.difference)
    repairs = kind.repairs if kind is not None else ()
    found = next((each for each in repairs if each.name == name), None) if name else next(iter(repairs), None)
    if found is None:
        known = ", ".join(each.name for each in repairs)
        told = f"it has {known}" if known else "it has none: a person mends it where it is wrong, or dismisses it"
        raise NoRepair(f"“{judged.difference}” has no repair {printable(name, limit=60)!r}; {told}.")
    return found


def _refusal(commands: Sequence[Command], checks: Sequence[Check], judged: Judged, foreseen: Judged) -> str:
    broken = next((check for check in checks if check.before and not check.after), None)
    if not commands:
        return "The repair has nothing to do for this key."
    if len(commands) > COMMANDS_MAX:
        return f"The repair has {len(commands)} commands; at most {COMMANDS_MAX} are done at once: make it a saga."
    if foreseen.error:
        return f"What it leads to cannot be judged: {foreseen.error}"
    if broken is not None:
        return f"It would break what holds now: {broken.title}"
    if foreseen.difference == judged.difference:
        return f"Both sides would differ as they do now: {foreseen.why}"
    return ""
