"""Joining two ordered sides key by key, and judging what each key's rows say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Final

from reliability.kernel.text import printable
from sagas.domain.reconciling.definition import Difference, Reconciliation, SideError
from sagas.domain.reconciling.pair import ROWS_MAX, Pair, Row, plain

UNCLASSIFIED: Final = "unclassified"
"""The difference of a pair of which something does not hold that no defined difference speaks of."""
KEY_CHARACTERS_MAX: Final = 200
ERROR_CHARACTERS_MAX: Final = 300
WHY_CHARACTERS_MAX: Final = 500  # a sentence; it may hold whatever both sides say


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was made of a pair: the ``difference`` that it has, "" when both sides agree.

    ``violated`` names the invariants that do not hold. ``error``: the definition failed on it, so nothing is known.
    """

    pair: Pair
    difference: str = ""
    why: str = ""
    since: datetime | None = None
    violated: tuple[str, ...] = ()
    error: str = ""


def joined(
    expected: Iterator[tuple[str, Row]], seen: Iterator[tuple[str, Row]], *, names: tuple[str, str]
) -> Iterator[Pair]:
    """Yield every key of either side with its rows, holding one key of each at a time (a sort-merge join).

    Raises ``SideError`` when a side is not in the order of its keys, has no key, or has too many rows of one.
    """
    left, right = _by_key(expected, names[0]), _by_key(seen, names[1])
    here, there = next(left, None), next(right, None)
    while here is not None or there is not None:
        key = min(each[0] for each in (here, there) if each is not None)
        mine, theirs = (each if each is not None and each[0] == key else None for each in (here, there))
        yield Pair(key=key, expected=mine[1] if mine else (), seen=theirs[1] if theirs else ())
        here = next(left, None) if mine else here
        there = next(right, None) if theirs else there


def judge(reconciliation: Reconciliation, pair: Pair) -> Judged:
    """Say how a pair differs. What a definition's functions raise is told of the pair, and concludes nothing."""
    try:
        plain([*pair.expected, *pair.seen])
        violated = tuple(each.name for each in reconciliation.invariants if not each.holds(pair))
        found = next((each for each in reconciliation.differences if each.when(pair)), None)
        if found is not None:
            return _differs(found, pair, violated)
    except Exception as error:  # noqa: BLE001 - somebody's code: one key's surprise must not hide all the others
        return Judged(pair=pair, error=printable(f"{type(error).__name__}: {error}", limit=ERROR_CHARACTERS_MAX))
    if violated:
        titles = {each.name: each.title for each in reconciliation.invariants}
        why = f"No known difference, but this does not hold: {'; '.join(titles[name] for name in violated)}"
        return Judged(pair=pair, difference=UNCLASSIFIED, why=why, violated=violated)
    return Judged(pair=pair)


def _differs(found: Difference, pair: Pair, violated: tuple[str, ...]) -> Judged:
    since = found.since(pair) if found.since is not None else None
    if since is not None and since.tzinfo is None:
        raise ValueError(f"since of {found.name} returned a time without a zone")
    return Judged(
        pair=pair,
        difference=found.name,
        why=printable(found.why(pair), limit=WHY_CHARACTERS_MAX),
        since=since,
        violated=violated,
    )


def _by_key(rows: Iterator[tuple[str, Row]], name: str) -> Iterator[tuple[str, tuple[Row, ...]]]:
    before: str | None = None
    for key, group in groupby(rows, key=itemgetter(0)):
        if not isinstance(key, str) or not key or len(key) > KEY_CHARACTERS_MAX:
            raise SideError(
                f"{name} has the key {printable(repr(key), limit=80)}: 1 to {KEY_CHARACTERS_MAX} characters"
            )
        if before is not None and key < before:
            raise SideError(f"{name} is not in the order of its keys: {_shown(key)} comes after {_shown(before)}")
        before = key
        found = []
        for _, row in group:
            found.append(row)
            if len(found) > ROWS_MAX:
                raise SideError(f"{name} has more than {ROWS_MAX} rows of {_shown(key)}: is this the right key?")
        yield key, tuple(found)


def _shown(key: str) -> str:
    return repr(printable(key, limit=60))
