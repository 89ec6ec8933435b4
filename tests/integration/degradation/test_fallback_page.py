"""What fallback caches serve stands on the Degradation page."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest
from django.test import Client

from reliability.access import Role
from reliability.degradation.domain.fallback import Outcome
from reliability.degradation.queries import fallbacks
from reliability.degradation.queries.fallbacks import Fallback, Fallbacks
from reliability.kernel.clock import SYSTEM
from tests.support import actors, flags

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("counts", "word"),
    [
        ({Outcome.LOCAL: 90, Outcome.ASKED: 10}, "Fresh"),
        ({Outcome.LOCAL: 50, Outcome.STALE: 50}, "Serves old"),
        ({Outcome.DEFAULT: 1, Outcome.STALE: 99}, "Gives less"),
        ({}, "Not asked"),
    ],
)
def test_a_cache_is_told_with_its_shares(
    client: Client, monkeypatch: pytest.MonkeyPatch, counts: dict[Outcome, int], word: str
) -> None:
    flags.declare()
    whole = MappingProxyType({outcome: counts.get(outcome, 0) for outcome in Outcome})
    cache = replace(Fallback(name="prices", fresh_s=30, stale_s=3600), counts=whole, asked_at=SYSTEM.now())
    monkeypatch.setattr(fallbacks, "fallbacks", lambda: Fallbacks(caches=(cache,)))
    client.force_login(actors.account(Role.VIEWER, name="vic").user)
    page = client.get("/degradation/").content.decode()
    told = page.partition('id="fallbacks"')[2]
    assert word in told
    assert "prices" in told
    assert "fresh 30 s, old up to 1 h, then nothing" in told


def test_without_redis_nobody_knows(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    flags.declare()
    monkeypatch.setattr(fallbacks, "fallbacks", lambda: Fallbacks(is_known=False))
    client.force_login(actors.account(Role.VIEWER, name="vic").user)
    assert "what caches serve is not known" in client.get("/degradation/").content.decode()
