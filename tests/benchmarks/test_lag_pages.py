"""How long the pages of lag take with 1,000 groups and a day of their history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection

from reliability.kernel import clock
from reliability.lag.domain.values import Word
from reliability.lag.models import Group, Topic
from reliability.lag.operations import upkeep
from tests.benchmarks import asking, printing
from tests.support import lag

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

GROUPS, PARTITIONS, DAY_MINUTES = 1_000, 50, 1_440
WORDS = (Word.STALL, Word.WARN, *[Word.OK] * 8)
_HISTORY = """
INSERT INTO reliability_lag_minute (group_id, topic, at, lag, lag_max, lag_s_max, consumed, produced, severity, looks)
SELECT g.id, g.topics[1], date_trunc('minute', %s::timestamptz) - m * interval '1 minute',
       (g.id * 7 + m * 13) %% 5000, 5000, 12.5, 600, 600, g.severity, 12
FROM reliability_lag_group g, generate_series(1, %s) m
"""


@pytest.fixture
def console() -> Iterator[str]:
    now = clock.SYSTEM.now()
    lag.poller()
    for number in range(GROUPS):
        word, topic = WORDS[number % len(WORDS)], f"topic-{number % 200}"
        waits = 0 if word is Word.OK else number
        parts = [lag.part(topic, each, word=word if not each else Word.OK, lag=waits) for each in range(PARTITIONS)]
        lag.group(f"group-{number}", parts, members=[lag.member(each, owns=10) for each in range(5)])
        if number < 200:
            lag.topic(topic, partitions=PARTITIONS)
    for hours in range(26, -1, -5):
        upkeep.keep_up(now=now - timedelta(hours=hours))
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, [now, DAY_MINUTES])
    with asking.serving() as address:
        yield address


def test_pages(console: str) -> None:
    group = Group.objects.filter(word="STALL").earliest("id").pk
    since = clock.SYSTEM.now() - timedelta(hours=23, minutes=59)
    pages = {
        "overview": "/",
        "groups": "/lag/",
        "groups of a word": "/lag/?word=stall",
        "groups by name": "/lag/?q=group-99",
        "one group": f"/lag/groups/{group}/",
        "one group, a day": f"/lag/groups/{group}/?range=24h",
        "a topic": f"/lag/topics/{Topic.objects.earliest('id').pk}/",
        "API groups": "/api/v1/lag/groups",
        "API history of a day": f"/api/v1/lag/groups/{group}/history?since={since:%Y-%m-%dT%H:%M:%SZ}",
    }
    rows = GROUPS * DAY_MINUTES
    printing.heading(
        f"Lag: pages with {GROUPS:,} groups x {PARTITIONS}, {rows:,} rows of history, {asking.ASKED} asked"
    )
    asking.measure(console, pages, asking.session())
    few = asking.session("few", topics=("topic-1*",))
    asking.measure(console, {"groups, to who sees half the topics": "/lag/"}, few)
