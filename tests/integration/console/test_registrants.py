"""Every room keeps the registry's contract."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reliability.console import context, contract
from reliability.console.domain.values import Figure, Item, Part, Tile
from reliability.console.registry import REGISTRY, Check, CheckResult, Panel, Registry, Related
from reliability.kernel import clock
from reliability.kernel.telemetry import names

pytestmark = pytest.mark.django_db

PAGES = [page.slug for page in (*context.WORK, *context.HOUSE, context.DEMO)]


def test_all_registrants_keep_the_contract() -> None:
    assert contract.breaches(REGISTRY, now=clock.SYSTEM.now(), pages=PAGES) == []


def test_a_registrant_that_breaks_it_is_named() -> None:
    registry = Registry()
    naive = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    tile = Tile(title="x", value="", status="ok", word="", url="x", at=naive)
    item = Item(id="a", room="nowhere", status="ok", word="x", title="x", since=None, url="/", act_label="Do")
    registry.register_panel(Panel(slug="nowhere", title="x", tile=lambda actor: tile))
    registry.register_attention(lambda actor: [item, item])
    registry.register_check(Check(name="c", run=lambda: CheckResult(verdict="warn", found="x")))
    registry.register_figures(lambda: [Figure(metric=names.ACTS, value=1)])
    part = Part(kind="x", title="anything", text="", url="")
    for name, act in (("Guesses", "orders.view"), ("Misspelt", "order.view")):
        source = Related(name=name, act=act, ask=lambda actor, thing, within_s: [part])
        registry.register_related("ordr", source)
    found = "\n".join(contract.breaches(registry, now=clock.SYSTEM.now(), pages=PAGES))
    for problem in (
        "no word",
        "no page",
        "without a zone",
        "room 'nowhere'",
        "an act needs",
        "one id",
        "remedy",
        "labels",
        "no page of that kind",
        "no right",
        "knows 'anything'",
    ):
        assert problem in found
