"""A system of one's own on an order's page, as the README has it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from reliability.access import Role
from reliability.console.registry import REGISTRY, Registry
from reliability.kernel.clock import SYSTEM
from tests.support import actors, readme

(BLOCK,) = readme.blocks("A system of your own on an order's page", "python")


class Invoices:
    """Stands for the project's own model, asked as Django is."""

    objects: Any

    @classmethod
    def filter(cls, *, order: str) -> list[Any]:
        """Those of one order."""
        return [SimpleNamespace(number=f"i-{order}", at=None, sent_at=SYSTEM.now())]


Invoices.objects = Invoices


def test_it_is_asked_for_what_it_knows_of_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REGISTRY, "related", Registry().related)
    exec(BLOCK, {"Invoice": Invoices})
    (registered,) = REGISTRY.related["order"].values()
    (part,) = registered.ask(actors.actor(Role.VIEWER), "17", 1.5)
    assert (registered.name, part.kind, part.title, part.word) == ("Invoices", "invoice", "i-17", "Sent")
