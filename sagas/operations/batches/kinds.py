"""What a kind of batch has to know: how its list is drawn, and how one item is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from reliability import audit
from sagas.domain.batching import Drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item whose turn it is, as it was planned."""

    batch: UUID
    number: int
    what: Mapping[str, Any]
    target: str
    expected_version: int
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of batch.

    ``right``: the act, in the table of rights, that planning, starting and each item take. ``draw(what, asked, now)``
    chooses and looks, changes nothing, and raises ``Refused`` for what was asked wrongly; it keeps to
    ``batching.ITEMS_MAX``.

    ``do(item, entry, seen)`` acts on one item inside the transaction in which the item's state is written, so it
    happens once or not at all. ``entry`` is its entry in the audit, with the actor and the reason of the batch. It
    checks the expected version under a lock, returns what became of the item in a sentence, and raises ``Refused``
    where nothing is done: the sentence is kept with the item. What takes longer than others should wait for a lock,
    such as asking another system, is ``look``'s: called before, outside of any transaction, for one item of a kind at
    a time, within seconds; what it returns is ``seen``, and what it raises counts as raised by ``do``.
    """

    name: str
    right: str
    one: str
    many: str
    draw: Callable[[Mapping[str, Any], Mapping[str, Any], datetime], Drawn]
    do: Callable[[Item, audit.Draft, Any], str]
    look: Callable[[Item], Any] | None = None

    def counted(self, number: int) -> str:
        """Return so many of what it acts on, in words."""
        return f"{number:,} {self.one if number == 1 else self.many}"
