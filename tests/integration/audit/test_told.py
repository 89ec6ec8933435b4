"""The activity names the person who acted by command line, and the way."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client

from outbox import queries as outbox_queries
from reliability import access
from reliability.access import Role
from reliability.audit import queries
from reliability.audit.models import Entry
from reliability.console import queries as console_queries
from reliability.kernel import clock
from tests.support.actors import account

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    """A browser of ana, after ana paused a shard by command line under root."""
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    account(Role.ADMIN, name="ana")
    words = ("outbox", "pause", "--shard", "1", "--reason", "broker upgrade", "--as", "ana")
    call_command(*words, stdout=StringIO())
    client = Client()
    client.force_login(get_user_model().objects.get(username="ana"))
    return client


def test_pages_name_the_person_and_the_way(client: Client) -> None:
    entry = Entry.objects.get(act="outbox.pause")
    listed = client.get("/activity/").content.decode()
    assert 'ana<span class="muted">, by command line as root</span>' in listed
    assert "cli:root" not in listed
    whole = client.get(f"/activity/{entry.seq}/").content.decode()
    assert 'ana <span class="muted">by command line as root</span>' in whole
    assert "on record as cli cli:root, account ana" in whole


def test_timeline_and_outbox_say_the_same(client: Client) -> None:
    now = clock.SYSTEM.now()
    actor = access.cli_actor("ana")
    rows = console_queries.timeline(actor=actor, since=now.replace(year=now.year - 1), machine=())
    assert "ana, by command line as root" in {row.who for row in rows}
    assert {row.paused_by for row in outbox_queries.shards(now) if row.paused_by} == {"ana, by command line as root"}


def test_an_act_without_a_topic_is_seen_by_its_own_account_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two accounts under one user of the host are two."""
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    for name in ("ana", "bob"):
        account(Role.OPERATOR, name=name, topics=("stock*",))
    with pytest.raises(CommandError, match="None of these letters"):
        call_command("letters", "discard", "--filter", "", "--yes", "--reason", "x", "--as", "ana", stdout=StringIO())
    seen = {
        name: len(queries.entries(actor=access.cli_actor(name), wanted=queries.EntryFilter()).entries)
        for name in ("ana", "bob")
    }
    assert seen == {"ana": 1, "bob": 0}
