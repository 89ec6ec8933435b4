"""What a kind of batch has to know: how its list is drawn, and how one item is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reliability import audit
from sagas.domain.batching import Drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """One item whose turn it is. ``entry``: its entry in the audit, with the actor and the reason of the batch."""

    what: Mapping[str, Any]
    target: str
    expected_version: int
    entry: audit.Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of batch.

    ``right``: the act, in the table of rights, that planning, starting and each item take. ``draw(what, asked, now)``
    chooses and looks, changes nothing, and raises ``Refused`` for what was asked wrongly; it keeps to
    ``batching.ITEMS_MAX``. ``do`` acts on one item inside the transaction in which the item's state is written, so it
    happens once or not at all; it checks the expected version under a lock, returns what became of it in a sentence,
    and raises ``Refused`` where nothing is done: the sentence is kept with the item.
    """

    name: str
    right: str
    one: str
    many: str
    draw: Callable[[Mapping[str, Any], Mapping[str, Any], datetime], Drawn]
    do: Callable[[Doing], str]

    def counted(self, number: int) -> str:
        """Return so many of what it acts on, in words."""
        return f"{number:,} {self.one if number == 1 else self.many}"
