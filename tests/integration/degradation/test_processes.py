"""Processes with the real Redis and database: flips arrive, OpenFeature reads them, readers are counted."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.template import Context, Template
from openfeature import api as openfeature
from openfeature.event import ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from reliability import degradation
from reliability.degradation import connection, registry
from reliability.degradation.models import Flag
from reliability.degradation.operations import levels
from reliability.degradation.provider import DegradationProvider
from reliability.degradation.queries import readers
from reliability.degradation.queries import standing as queries
from reliability.kernel.clock import SYSTEM
from tests.integration.degradation.conftest import LEVELS
from tests.integration.degradation.test_levels import ANA, setting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[degradation.Flag]:
    """The flag as this process has declared it, looked after by an agent of its own."""
    monkeypatch.setattr(registry, "_agent", None)
    monkeypatch.setattr(registry, "_flags", {})
    made = degradation.declare("recommendations", title="Recommendations", levels=LEVELS)
    yield made
    registry.agent().stop()


def becomes(own: degradation.Flag, level: int, *, within_s: float = 3.0) -> float:
    begun_s = SYSTEM.monotonic()
    while own.level != level:
        assert SYSTEM.monotonic() - begun_s < within_s, f"still {own.level}"
        SYSTEM.sleep(0.002)
    return SYSTEM.monotonic() - begun_s


def test_a_flip_is_heard_within_a_moment_and_taken_back(flag: Flag, own: degradation.Flag) -> None:
    assert degradation.flag("recommendations").level == 0
    SYSTEM.sleep(0.3)
    row = setting(flag, 2)
    assert becomes(own, 2) < 0.5
    assert own.why == "ana set it by hand: payments are slow."
    levels.take_back(flag=row.name, actor=ANA, version=row.version, now=SYSTEM.now())
    assert becomes(own, 0) < 0.5


def test_without_redis_a_flip_is_found_in_the_database(
    flag: Flag, own: degradation.Flag, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = connection.client("redis://127.0.0.1:1/0")
    monkeypatch.setattr(connection, "client", lambda *_: away)
    assert own.level == 0
    setting(flag, 2)
    becomes(own, 2, within_s=6.0)


def test_a_name_that_is_not_declared_is_told_what_to_write(flag: Flag, own: degradation.Flag) -> None:
    with pytest.raises(degradation.NotDeclared, match=r'degradation.declare\("mail".*Declared are: recommendations\.'):
        degradation.flag("mail")
    with pytest.raises(degradation.WrongFlag, match="declared twice"):
        degradation.declare("recommendations", title="Other", levels=LEVELS)
    assert degradation.declare("recommendations", title="Recommendations", levels=LEVELS) is own


def test_templates_ask_for_a_level(flag: Flag, own: degradation.Flag) -> None:
    setting(flag, 1)
    text = '{% load degradation %}{% level "recommendations" as n %}{% if n %}popular {{ n }}{% endif %}'
    assert Template(text).render(Context()) == "popular 1"


def test_openfeature_reads_memory_and_hears_of_changes(flag: Flag, own: degradation.Flag) -> None:
    changed: list[Any] = []
    provider = DegradationProvider()
    openfeature.set_provider_and_wait(provider, domain="local")
    client = openfeature.get_client(domain="local")
    client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, lambda details: changed.append(details))
    found = client.get_integer_details("recommendations", 7)
    assert (found.value, found.variant, found.reason) == (0, "normal", Reason.DEFAULT)
    setting(flag, 2)
    becomes(own, 2)
    found = client.get_integer_details("recommendations", 7)
    assert (found.value, found.variant, found.reason) == (2, "off", Reason.STATIC)
    assert found.flag_metadata["why"] == "ana set it by hand: payments are slow."
    assert client.get_string_value("recommendations", "x") == "off"
    assert client.get_float_value("recommendations", 0.5) == 2.0
    assert client.get_integer_value("checkout", 7) == 0, "not declared here, but known"
    for details in (client.get_boolean_details("recommendations", True), client.get_object_details("checkout", {})):
        assert details.error_code is ErrorCode.TYPE_MISMATCH
    assert client.get_integer_details("nothing", 7).error_code is ErrorCode.FLAG_NOT_FOUND
    ends = SYSTEM.monotonic() + 2
    while not changed and SYSTEM.monotonic() < ends:
        SYSTEM.sleep(0.01)
    assert changed[0].flags_changed == ["recommendations"]
    provider.shutdown()
    assert registry.agent().listeners == []


def test_who_reads_a_flag_is_told_by_the_processes(flag: Flag, own: degradation.Flag) -> None:
    @degradation.degraded("recommendations", otherwise=list)
    def chosen() -> list[str]:
        return ["yours"]

    assert chosen() == ["yours"]
    registry.agent().stop()  # its thread may say how often in the middle of these
    registry.agent()._beat_at_s = 0.0
    for _ in range(500):
        chosen()
    registry.agent().look()
    reach = readers.reach("recommendations", revision=queries.revision())
    assert (reach.processes, reach.is_known, len(reach.where)) == (1, True, 1)
    assert reach.where[0].endswith("chosen")
    assert reach.per_s > 1
    assert "times a second by 1 process" in reach.sentence
    assert readers.reach("nothing", revision=0).sentence == "No process that is alive has read this flag."


def test_who_reads_it_is_unknown_without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    away = connection.client("redis://127.0.0.1:1/0")
    monkeypatch.setattr(connection, "client", lambda *_: away)
    assert readers.reach("recommendations", revision=0).sentence.startswith("Redis does not answer")


def test_a_child_that_is_forked_hears_for_itself(flag: Flag, own: degradation.Flag) -> None:
    assert own.level == 0
    connections.close_all()
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            os.write(tell, b"ready" if own.level == 0 else b"wrong")
            ends = SYSTEM.monotonic() + 10
            while own.level != 2 and SYSTEM.monotonic() < ends:
                SYSTEM.sleep(0.01)
            os.write(tell, b"%d %d" % (own.level, threading.active_count()))
        finally:
            os._exit(0)
    assert os.read(told, 5) == b"ready"
    SYSTEM.sleep(0.3)
    setting(flag, 2)
    level, threads = os.read(told, 20).split()
    os.waitpid(child, 0)
    assert (level, int(threads) >= 3) == (b"2", True)
    assert becomes(own, 2) < 1
