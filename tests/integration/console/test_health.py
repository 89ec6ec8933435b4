"""Health and metrics of a healthy console."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from reliability.access import Role
from reliability.access import operations as access_operations
from reliability.console import health
from reliability.kernel import clock
from reliability.live import operations
from tests.support import actors
from tests.support.network import refusing_port, silent_port

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_asked_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    redis_question, kafka_question = health.Question(health.ask_redis), health.Question(lambda: ("ok", ""))
    monkeypatch.setattr(health, "_redis_question", lambda: redis_question)
    monkeypatch.setattr(health, "_kafka_question", lambda: kafka_question)


def test_all_there_is_ready() -> None:
    answer = Client().get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "parts": {"database": "ok", "migrations": "ok", "redis": "ok", "kafka": "ok"},
    }


@pytest.mark.parametrize("how", ["refuses", "hangs"])
def test_without_redis_it_is_degraded_and_still_served(how: str, settings: Any) -> None:
    with silent_port() as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{refusing_port() if how == 'refuses' else silent}/0"
        answer = Client().get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["parts"]["redis"] == "down"


def test_a_missing_migration_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "unapplied_migrations", lambda: ["dlq.0009_next"])
    answer = Client().get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["parts"]["migrations"] == "behind"


def test_metrics_have_figures_from_the_database() -> None:
    operations.record_beat(name="letters", host="a", pid=1, state="running", facts={}, started_at=clock.SYSTEM.now())
    Client().get("/health/live")
    text = Client().get("/metrics").content.decode()
    assert 'mainstay_process_heartbeat_age_seconds{host="a",process="letters"}' in text
    assert "mainstay_http_request_duration_seconds_bucket" in text
    assert "mainstay_figures_unread 0.0" in text


@pytest.mark.parametrize(
    "far", [{"REMOTE_ADDR": "10.0.0.7"}, {"headers": {"X-Forwarded-For": "10.0.0.7"}}], ids=["address", "proxy"]
)
def test_metrics_from_elsewhere_take_a_viewers_token(far: dict[str, Any]) -> None:
    assert Client().get("/metrics", **far).status_code == 401
    account = actors.account(Role.VIEWER)
    issued = access_operations.issue_token(
        account=account, name="prometheus", role=None, topic_scopes=None, life=timedelta(days=1), now=clock.SYSTEM.now()
    )
    headers = {**far.get("headers", {}), "Authorization": f"Bearer {issued.secret}"}
    assert Client().get("/metrics", **{**far, "headers": headers}).status_code == 200


@pytest.mark.parametrize("place", [{}, {"REMOTE_ADDR": "10.0.0.7"}], ids=["near", "far"])
def test_a_token_for_metrics_is_asked_of_everybody(place: dict[str, Any], settings: Any) -> None:
    settings.MAINSTAY_METRICS_TOKEN = "t" * 24
    viewer = access_operations.issue_token(
        account=actors.account(Role.VIEWER), name="prometheus", life=timedelta(days=1), now=clock.SYSTEM.now()
    )
    wrong = ("", "t" * 24, f"Bearer {'t' * 23}", f"Bearer {'t' * 25}", "Bearer \xe9", f"Bearer {viewer.secret}")
    for authorization in wrong:
        answer = Client().get("/metrics", headers={"Authorization": authorization}, **place)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="mainstay"')
        assert answer.content == b"The bearer token of MAINSTAY_METRICS_TOKEN is needed.\n"
    assert Client().get("/metrics", headers={"Authorization": f"Bearer {'t' * 24}"}, **place).status_code == 200
