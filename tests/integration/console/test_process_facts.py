"""Facts of processes, as far as their reader's topics allow."""

from __future__ import annotations

import pytest
from django.test import Client

from reliability.access import Role
from reliability.console.domain.process_facts import HIDDEN_ERROR
from reliability.kernel import clock
from reliability.live import operations
from tests.support import actors

pytestmark = pytest.mark.django_db

FACTS = {
    "partitions": 7,
    "waiting": {"merger-secret/3": "UnknownTopic: merger-secret"},
    "error": "UnknownTopic: merger-secret",
    "last_error": "UnknownTopic: merger-secret",
}
PLACES = ("/api/v1/processes", "/api/v1/overview", "/settings/", "/")


@pytest.fixture(autouse=True)
def _failing() -> None:
    operations.record_beat(name="letters", host="a", pid=1, state="failing", facts=FACTS, started_at=clock.SYSTEM.now())


@pytest.mark.parametrize("place", PLACES)
def test_who_sees_some_topics_reads_no_others_in_what_processes_say(client: Client, place: str) -> None:
    client.force_login(actors.account(Role.OPERATOR, topics=("orders*",)).user)
    answer = client.get(place)
    assert answer.status_code == 200
    assert "merger-secret" not in answer.content.decode()
    assert HIDDEN_ERROR in answer.content.decode()


@pytest.mark.parametrize("place", PLACES)
def test_who_sees_every_topic_reads_the_error(client: Client, place: str) -> None:
    client.force_login(actors.account(Role.OPERATOR).user)
    assert "UnknownTopic: merger-secret" in client.get(place).content.decode()


def test_counts_stand_in_for_names(client: Client) -> None:
    client.force_login(actors.account(Role.OPERATOR, topics=("orders*",)).user)
    (row,) = client.get("/api/v1/processes").json()["items"]
    assert row["facts"] == {"partitions": 7, "waiting": 1, "error": HIDDEN_ERROR, "last_error": HIDDEN_ERROR}
