"""The filter of the lists: words find parts, and the page offers the whole key."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from dlq.models import Letter
from reliability.access import Role
from tests.support.actors import account
from tests.support.letters import record, store

pytestmark = pytest.mark.django_db

OFFERED = re.compile(r'The key alone: <a href="([^"]+)">([^<]+)</a>')


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(account(Role.VIEWER).user)
    store(record(1, key=b"ord-1"), record(2, key=b"ord-17"))
    return client


def rows(page: str) -> set[str]:
    return set(re.findall(r'data-row-id="(\d+)"', page))


def test_a_word_finds_longer_keys_too_and_the_page_offers_the_key_alone(client: Client) -> None:
    page = client.get("/letters/all/?q=topic:orders+ord-1").content.decode()
    assert len(rows(page)) == 2
    offered = OFFERED.search(page)
    assert offered is not None
    assert offered[2] == "key:ord-1"
    followed = client.get(f"/letters/all/{html.unescape(offered[1])}").content.decode()
    assert rows(followed) == {str(Letter.objects.get(key_text="ord-1").pk)}
    assert "topic:</b>" in followed, "the other terms are kept"


@pytest.mark.parametrize("q", ["", "topic:orders", "-ord-1", "ord-*", "colour:red", '""'])
def test_where_no_word_can_be_a_key_nothing_is_offered(client: Client, q: str) -> None:
    assert not OFFERED.search(client.get("/letters/all/", {"q": q}).content.decode())
