"""Commands that people type: bad input gets a sentence, and nothing is done."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from outbox import queries as outbox_queries
from reliability.access import Role
from reliability.access.models import ApiToken
from reliability.kernel import clock
from tests.support.actors import account

pytestmark = pytest.mark.django_db

NEW = ("create_account", "--password-stdin", "--username")
TOKEN = ("create_token", "--username", "ana", "--name")
PAUSE = ("outbox", "pause", "--as", "ana", "--reason")


@pytest.fixture(autouse=True)
def _ana_and_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    account(Role.ADMIN, name="ana")
    monkeypatch.setattr("sys.stdin", StringIO("a long password for tests\n"))


@pytest.mark.parametrize(
    "words",
    [
        (*NEW, "", "--role", "viewer"),
        (*NEW, "a\x00b", "--role", "viewer"),
        (*NEW, "x" * 500, "--role", "viewer"),
        (*NEW, "\udcff", "--role", "viewer"),
        (*NEW, "bob", "--role", "viewer", "--topics", "or ders"),
        (*NEW, "ana", "--role", "viewer"),
        (*TOKEN, ""),
        (*TOKEN, "x" * 5_000),
        (*TOKEN, "a\x00b"),
        (*TOKEN, "report", "--days", "0"),
        (*TOKEN, "report", "--topics", "or ders"),
        ("create_token", "--username", "nobody", "--name", "report"),
        (*PAUSE, ""),
        (*PAUSE, "x" * 5_000),
        (*PAUSE, "a\x00b"),
        (*PAUSE, "upgrade", "--shard", "99"),
        (*PAUSE, "upgrade", "--shard", "9" * 30),
        (*PAUSE, "upgrade", "--shard", "-1"),
        ("outbox", "resume", "--as", "nobody"),
        ("outbox", "accept-database", "--as", "ana", "--reason", " "),
        ("demo_switch", "payments_outage", "off"),
        ("demo_switch", "payments_outage", "--as", "ana"),
        ("demo_switch", "payments_outage", "off", "--as", "nobody"),
    ],
    ids=lambda words: " ".join(words)[:60].encode("unicode_escape").decode(),
)
def test_bad_input_gets_a_sentence(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as refused:
        call_command(*words, stdout=StringIO(), stderr=StringIO())
    assert " " in str(refused.value), "a sentence"
    assert get_user_model().objects.count() == 1
    assert not ApiToken.objects.exists()
    assert not any(row.paused_at for row in outbox_queries.shards(clock.SYSTEM.now()))
