"""What is written down of breakers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from reliability.breakers.domain import packing
from reliability.breakers.domain.machine import Breaker as Machine
from reliability.breakers.models import Breaker, Traffic
from reliability.kernel.errors import Refused
from reliability.kernel.text import printable


class NoSuchBreaker(Refused):
    """No process has named such a breaker."""

    code = "no-such-breaker"
    status = 404

    def __init__(self, name: str) -> None:
        super().__init__(f"No process has named a breaker {printable(name, limit=80)!r}.")


def counted_until() -> datetime | None:
    """Return the beginning of the newest part of traffic that is written down."""
    return Traffic.objects.order_by("-at").values_list("at", flat=True).first()


def last_known(names: Sequence[str]) -> Mapping[str, Machine]:
    """Return breakers as they were when they moved last, for a store that has lost them."""
    rows = Breaker.objects.filter(name__in=list(names)).exclude(kept="").values_list("name", "kept")
    return {name: packing.unpacked(kept) for name, kept in rows}
