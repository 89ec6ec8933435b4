"""``manage.py doctor`` says what is wrong and what to do."""

from __future__ import annotations

import io
import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.models import F

from reliability.console import checks, health, kafka_checks
from reliability.console.management.commands import doctor as command
from reliability.console.registry import REGISTRY, Check, CheckResult, Ladder
from reliability.kernel import clock
from reliability.kernel.command_line import spelled
from reliability.live import operations
from reliability.live.models import Heartbeat
from tests.support.network import refusing_port

pytestmark = pytest.mark.django_db


def doctor() -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    try:
        call_command("doctor", "--json", stdout=out)
        code = 0
    except SystemExit as end:
        code = int(str(end.code))
    document = json.loads(out.getvalue())
    return code, {check["name"]: check for check in document["checks"]}


def test_it_looks_at_everything_and_every_trouble_has_a_remedy() -> None:
    code, found = doctor()
    assert {"database", "redis", "kafka", "time limits", "processes", "audit"} <= set(found)
    assert code == int(any(check["verdict"] == "fail" for check in found.values()))
    assert found["database"]["verdict"] == "ok"
    assert found["time limits"]["verdict"] == "ok"
    assert all(check["remedy"] for check in found.values() if check["verdict"] != "ok")


def test_lines_for_people_name_the_remedy_below() -> None:
    out = io.StringIO()
    call_command("doctor", stdout=out)
    assert "OK    database" in out.getvalue()
    assert "-> Not running: web" in out.getvalue()


def test_without_redis_it_fails_with_a_sentence(settings: Any) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{refusing_port()}/0"
    code, found = doctor()
    assert code == 1
    assert found["redis"]["verdict"] == "fail"
    assert "REDIS_URL" in found["redis"]["remedy"]


def test_a_check_that_needs_the_database_says_so_when_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> CheckResult:
        raise OperationalError("couldn't get a connection after 0.80 sec")

    monkeypatch.setitem(REGISTRY.checks, "outbox", Check(name="outbox", run=away))
    code, found = doctor()
    assert code == 1
    assert (found["outbox"]["found"], found["outbox"]["remedy"]) == (
        "unknown without a database",
        "See the line of the database.",
    )


def test_before_the_migrations_checks_point_to_the_line_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def asks(statement: str) -> CheckResult:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        return CheckResult(verdict="ok", found="an answer")

    early = Check(name="early", run=lambda: asks("select 1 from no_such_table"))
    wrong = Check(name="wrong", run=lambda: asks("select from where"))
    monkeypatch.setattr(REGISTRY, "checks", {"early": early, "wrong": wrong})
    code, found = doctor()
    assert code == 1
    assert found["early"]["found"] == "unknown before the migrations"
    assert found["early"]["remedy"] == "See the line of the database."
    assert "the check itself failed" in found["wrong"]["found"]


def test_checks_run_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(2, timeout=10)

    def meet() -> CheckResult:
        meeting.wait()
        return CheckResult(verdict="ok", found="met")

    monkeypatch.setattr(REGISTRY, "checks", {name: Check(name=name, run=meet) for name in ("one", "two")})
    _, found = doctor()
    assert [check["found"] for check in found.values()] == ["met", "met"]


def test_a_check_that_hangs_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang() -> CheckResult:
        over.wait(30)
        return CheckResult(verdict="ok", found="too late")

    fine = Check(name="fine", run=lambda: CheckResult(verdict="ok", found="here"))
    monkeypatch.setattr(REGISTRY, "checks", {"hangs": Check(name="hangs", run=hang), "fine": fine})
    monkeypatch.setattr(command, "ANSWER_WITHIN_S", 0.2)
    code, found = doctor()
    over.set()
    assert code == 1
    assert (found["hangs"]["verdict"], found["hangs"]["found"]) == ("fail", "no answer within 0.2 s")
    assert found["fine"]["found"] == "here"


@pytest.mark.parametrize(("demo", "words"), [(True, "make demo"), (False, "Start PostgreSQL, or mend DATABASE_URL")])
@pytest.mark.parametrize("how", ["refuses", "hangs"])
def test_without_a_database_it_says_so_within_seconds(
    unplugged: Any, settings: Any, how: str, demo: bool, words: str
) -> None:
    settings.MAINSTAY_DEMO = demo
    with unplugged(how):
        began = time.monotonic()
        code, found = doctor()
        assert time.monotonic() - began < command.ANSWER_WITHIN_S
    assert code == 1
    assert words in found["database"]["remedy"]
    assert found["audit"]["remedy"] == "See the line of the database."


def test_a_missing_migration_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "unapplied_migrations", lambda: ["dlq.0009_next"])
    found = checks.database()
    assert (found.verdict, found.remedy) == ("fail", spelled("migrate"))


def test_limits_in_the_wrong_order_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Ladder(name="relay", rungs=(("delivery", 12.0), ("lease", 10.0)))
    monkeypatch.setitem(REGISTRY.ladders, "relay", wrong)
    found = checks.time_limits()
    assert found.verdict == "fail"
    assert "lease (10 s) must be longer than delivery (12 s)" in found.remedy


def test_the_in_process_broker_is_named_with_its_reason(settings: Any) -> None:
    settings.MAINSTAY_BROKER = "in-process"
    settings.MAINSTAY_BROKER_REASON = "no Java runtime could be had"
    found = kafka_checks.kafka()
    assert found.verdict == "warn"
    assert "no Java runtime could be had" in found.found


def test_topics_that_could_not_be_created_come_with_their_command() -> None:
    command = "kafka-topics.sh --create --topic 'orders.shop.dlq' --partitions 3"
    facts = {kafka_checks.CREATE_TOPICS: command}
    operations.record_beat(name="shop", host="a", pid=1, state="running", facts=facts, started_at=clock.SYSTEM.now())
    assert command in kafka_checks.kafka().remedy


def test_a_silent_process_fails() -> None:
    operations.record_beat(name="letters", host="a", pid=1, state="running", facts={}, started_at=clock.SYSTEM.now())
    Heartbeat.objects.update(at=F("at") - timedelta(seconds=20))
    found = checks.processes()
    assert found.verdict == "fail"
    assert "letters (silent for 20 s)" in found.found


def test_every_process_that_does_not_run_is_named() -> None:
    for name, state in (("web", "running"), ("letters", "stopped"), ("beat", "running"), ("demo:stock", "stopped")):
        operations.record_beat(name=name, host="a", pid=1, state=state, facts={}, started_at=clock.SYSTEM.now())
    found = checks.processes()
    assert found.verdict == "warn"
    assert "Not running: demo:stock, letters, worker-relay, worker-standard, worker-bulk, lag." in found.remedy


def test_metrics_without_a_token_are_a_warning_outside_the_demo(settings: Any) -> None:
    settings.MAINSTAY_METRICS_TOKEN, settings.MAINSTAY_DEMO = "", False
    assert checks.metrics().verdict == "warn"
    assert "MAINSTAY_METRICS_TOKEN" in checks.metrics().remedy
    settings.MAINSTAY_DEMO = True
    assert checks.metrics().verdict == "ok"
    settings.MAINSTAY_METRICS_TOKEN, settings.MAINSTAY_DEMO = "t" * 24, False
    assert checks.metrics().verdict == "ok"
