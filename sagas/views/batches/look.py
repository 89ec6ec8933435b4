"""What a page has to know of a kind of batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

from reliability.console.views.copies import Copy
from sagas.operations.batches.kinds import Kind

if TYPE_CHECKING:
    from sagas.models import Batch

What = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """How something stands by now: shape, word, and of how many."""

    kind: str
    word: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a kind of batch is shown.

    ``home``: the route and the title of the page that it belongs to.
    ``final``: it cannot be taken back, so the number of items is typed. ``now`` tells how targets stand by now,
    ``asked`` what was asked for in words, ``again`` where it is planned anew ("" for nowhere), ``copies`` the same from
    elsewhere.
    """

    kind: Kind
    home: tuple[str, str]
    name: Callable[[What], str]
    means: Callable[[What], str]
    final: Callable[[What], bool]
    link: Callable[[str], str]
    now: Callable[[Sequence[str]], Mapping[str, Now]]
    asked: Callable[[What], str]
    again: Callable[[Batch], str]
    copies: Callable[[HttpRequest, Batch], list[Copy]]
