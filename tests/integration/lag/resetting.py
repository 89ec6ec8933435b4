"""What the tests of resets in pages do again and again."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from reliability.kernel.record import TopicPartition
from reliability.lag.models import Group, Reset
from tests.integration.lag.world import World


def words(answer: Any) -> str:
    """What a reader reads of a page."""
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", "", answer.content.decode(), flags=re.DOTALL)
    body = body.partition("<main")[2].partition("</main>")[0]
    return re.sub(r" (?=[:;,.])", "", " ".join(re.sub(r"<[^>]+>", " ", body).split()))


def form_url() -> str:
    return f"/lag/groups/{Group.objects.get().pk}/reset/"


def planned(client: Client, **fields: Any) -> Reset:
    answer = client.post(form_url(), {"to": "earliest", **fields})
    assert answer.status_code == 302, words(answer)
    return Reset.objects.latest("pk")


def apply(client: Client, made: Reset, **fields: str) -> Any:
    sent = {"hash": made.hash, "reason": "a bug is fixed", "name": "billing", **fields}
    return client.post(f"/lag/resets/{made.pk}/", sent)


def commits(world: World) -> list[int | None]:
    found = world.broker.group("billing").committed
    return [found.get(TopicPartition("orders", partition)) for partition in (0, 1)]
