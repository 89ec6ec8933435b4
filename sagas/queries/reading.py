"""What both sides say of some keys at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from reliability.kernel.text import printable
from sagas.domain.reconciling.comparing import ERROR_CHARACTERS_MAX
from sagas.domain.reconciling.definition import Looked, Reconciliation, Side
from sagas.domain.reconciling.pair import ROWS_MAX, Pair
from sagas.queries import histories

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The pairs that were read, and why the others were not; ``at`` is when the reading began, by the database."""

    pairs: Sequence[Pair]
    unread: dict[str, str]
    at: datetime


def read(reconciliation: Reconciliation, keys: Sequence[str]) -> Read:
    """Ask both sides for ``keys``; raises nothing: what cannot be read is told."""
    at = histories.database_now()
    expected, seen = (_looked(side, keys) for side in (reconciliation.expected, reconciliation.seen))
    unread = {**seen.unread, **expected.unread}
    pairs = []
    for key in keys:
        if key in unread:
            continue
        pair = Pair(key=key, expected=tuple(expected.rows.get(key, ())), seen=tuple(seen.rows.get(key, ())))
        if max(len(pair.expected), len(pair.seen)) > ROWS_MAX:
            unread[key] = f"one side has more than {ROWS_MAX} rows of it: is this the right key?"
        else:
            pairs.append(pair)
    return Read(pairs=pairs, unread=unread, at=at)


def _looked(side: Side, keys: Sequence[str]) -> Looked:
    try:
        return side.lookup(keys)
    except Exception as error:  # a side may be anybody's code; its failure leaves keys unread, and the rest goes on
        log.exception("side_failed", side=side.what, keys=len(keys))
        told = printable(f"{side.what} could not be read: {type(error).__name__}: {error}", limit=ERROR_CHARACTERS_MAX)
        return Looked(unread=dict.fromkeys(keys, told))
