"""The hash chain: each entry's hash covers its own fields and the hash of the entry before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

FIRST_SEQ = 1
NO_PREVIOUS = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One stored entry as the chain sees it: ``fields`` is everything but the two hashes."""

    seq: int
    fields: Mapping[str, object]
    prev_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest entry of an intact chain; ``seq`` 0 for an empty one."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"


EMPTY = Head(seq=FIRST_SEQ - 1, hash=NO_PREVIOUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """The first entry that is not as it was written."""

    seq: int
    problem: str


def canonical(value: object) -> str:
    """JSON with one spelling only: sorted keys, no spaces, ASCII; raises ``ValueError`` for NaN and infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def instant(at: datetime) -> str:
    """An instant with one spelling only: UTC, always six decimals."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def hash_of(*, prev_hash: bytes, fields: Mapping[str, object]) -> bytes:
    """SHA-256 over the previous hash and the canonical fields."""
    return hashlib.sha256(prev_hash + canonical(fields).encode("ascii")).digest()


def check(links: Iterable[Link], *, heads: Mapping[int, bytes] | None = None) -> Iterator[Head | Break]:
    """Walk a chain in order of ``seq``, yielding the head after each good link; stops with the first ``Break``.

    ``heads`` are hashes known from elsewhere (an export, a log) by ``seq``: only they show a chain cut at its end or
    rewritten as a whole.
    """
    known = dict(heads or {})
    head = EMPTY
    for link in links:
        problem = _problem(link, head, known.pop(link.seq, None))
        if problem:
            yield problem
            return
        head = Head(seq=link.seq, hash=link.hash)
        yield head
    for seq in sorted(known):
        yield Break(seq=seq, problem=f"the entry is missing: the chain ends at {head.seq}")
        return


def _problem(link: Link, head: Head, expected: bytes | None) -> Break | None:
    wanted = head.seq + 1
    if link.seq != wanted:
        return Break(seq=wanted, problem=f"the entry is missing: {link.seq} follows {head.seq}")
    if link.prev_hash != head.hash:
        return Break(seq=link.seq, problem="it does not continue the entry before it")
    if hash_of(prev_hash=link.prev_hash, fields=link.fields) != link.hash:
        return Break(seq=link.seq, problem="its content is not what was written")
    if expected is not None and expected != link.hash:
        return Break(seq=link.seq, problem="it is not the entry that was there when the expected hash was noted")
    return None
