"""The headers a replay sends: the letter's own, less the failure's, plus the lineage."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from dlq.domain import dialects
from reliability.kernel import wire
from reliability.kernel.record import Header

# Lineage is written anew on every replay; a second one of the same name would contradict it.
_LINEAGE = frozenset({wire.MESSAGE_ID, wire.ATTEMPT, wire.REPLAY, wire.TARGET_GROUP})


def stripped(headers: Sequence[Header], *, dialect: str) -> tuple[Header, ...]:
    """Return the headers without those that ``dialect`` says a replay must leave out; the rest as is, in order.

    Our own failure headers and the lineage of an earlier replay always go.
    """
    rules = dialects.named(dialect)
    names, prefixes = rules.STRIP_NAMES | _LINEAGE, (*rules.STRIP_PREFIXES, wire.DLQ_PREFIX)
    return tuple(header for header in headers if header[0] not in names and not header[0].startswith(prefixes))


def lineage(*, message_id: str, attempt: int, run: int, item: int, target_group: str) -> tuple[Header, ...]:
    """Return the headers a replay adds: whose message this is, which attempt (from 1), of which run, for whom."""
    headers: list[Header] = [
        (wire.MESSAGE_ID, message_id.encode()),
        (wire.ATTEMPT, str(attempt).encode()),
        (wire.REPLAY, f"{run}/{item}".encode()),
    ]
    if target_group:
        headers.append((wire.TARGET_GROUP, target_group.encode()))
    return tuple(headers)


def parse_replay(value: bytes | None) -> tuple[int, int] | None:
    """Return run and item of a ``mainstay-replay`` header, None when it is none of ours."""
    run, slash, item = (value or b"").partition(b"/")
    if not slash or not all(part.isdigit() and len(part) <= 18 for part in (run, item)):
        return None
    return int(run), int(item)


def rules_digest() -> str:
    """Return a short hash of every strip rule: a plan approved under other rules must not run under these."""
    rules = [(each.NAME, sorted(each.STRIP_NAMES), sorted(each.STRIP_PREFIXES)) for each in dialects.DIALECTS]
    return hashlib.sha256(repr(sorted(rules)).encode()).hexdigest()[:12]
