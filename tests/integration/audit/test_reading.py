"""Pages of the audit: filters, cursors, and nothing about topics one may not see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from reliability import access, audit
from reliability.access import Role, operations
from reliability.audit import queries
from reliability.audit.models import Entry
from reliability.audit.queries import EntryFilter
from reliability.kernel import clock
from tests.support.actors import account, actor

pytestmark = pytest.mark.django_db


def act(act: str = "letters.replay", *, name: str = "ana", target: str = "group:1", topics=("orders.dlq",)) -> None:
    with audit.action(act, actor=actor(Role.ADMIN, name=name), target=target, reason="test", topics=topics):
        pass


def targets(wanted: EntryFilter | None = None, *, who=None, **options) -> list[str]:
    page = queries.entries(actor=who or actor(), wanted=wanted or EntryFilter(), **options)
    return [entry.target for entry in page.entries]


def test_pages_go_from_the_newest_down_and_end() -> None:
    for number in range(5):
        act(target=str(number))

    first = queries.entries(actor=actor(), wanted=EntryFilter(), limit=2)
    second = queries.entries(actor=actor(), wanted=EntryFilter(), before=first.next_before, limit=2)
    third = queries.entries(actor=actor(), wanted=EntryFilter(), before=second.next_before, limit=2)

    assert [[entry.target for entry in page.entries] for page in (first, second, third)] == [
        ["4", "3"],
        ["2", "1"],
        ["0"],
    ]
    assert third.next_before is None


def test_new_entries_do_not_move_a_page() -> None:
    for number in range(4):
        act(target=str(number))
    first = queries.entries(actor=actor(), wanted=EntryFilter(), limit=2)
    act(target="new")

    assert targets(before=first.next_before, limit=2) == ["1", "0"]


def test_each_filter_filters() -> None:
    act(target="group:1", name="ana")
    act("letters.discard", target="group:12", name="bo")
    act("demo.switch", target="payments", name="bo", topics=())

    assert targets(EntryFilter(actor="bo")) == ["payments", "group:12"]
    assert targets(EntryFilter(act="letters.discard")) == ["group:12"]
    assert targets(EntryFilter(act="letters.*")) == ["group:12", "group:1"]
    assert targets(EntryFilter(target="group:1")) == ["group:1"]
    assert targets(EntryFilter(target="group:*")) == ["group:12", "group:1"]
    assert targets(EntryFilter(outcome="refused")) == []
    middle = Entry.objects.get(target="group:12").at
    assert targets(EntryFilter(since=middle)) == ["payments", "group:12"]
    assert targets(EntryFilter(until=middle)) == ["group:1"]
    assert queries.acts(actor=actor()) == ["demo.switch", "letters.discard", "letters.replay"]


def test_accounts_and_tokens_are_named_to_admins_and_to_whoever_did_it() -> None:
    act("accounts.manage", name="root", target="account:carl", topics=())
    act("tokens.own", name="ana", target="token:ana/deploy", topics=())
    act("tokens.own", name="bo", target="token:bo/ci", topics=())
    act("settings.edit", name="root", target="retention", topics=())
    act("demo.switch", name="bo", target="payments", topics=())

    for role in (Role.VIEWER, Role.OPERATOR):
        assert targets(who=actor(role, name="ana")) == ["payments", "token:ana/deploy"]
        assert queries.acts(actor=actor(role)) == ["demo.switch"]
    hidden = Entry.objects.get(target="account:carl").seq
    assert queries.entry(actor=actor(Role.OPERATOR), seq=hidden) is None
    admin = actor(Role.ADMIN, name="root")
    assert len(targets(who=admin)) == 5
    assert "accounts.manage" in queries.acts(actor=admin)
    assert len(targets(who=access.system_actor("doctor"))) == 5


def test_a_percent_sign_in_a_filter_is_a_percent_sign() -> None:
    act(target="group:1")

    assert targets(EntryFilter(target="%*")) == []
    assert targets(EntryFilter(target="group_1*")) == []


@pytest.mark.parametrize("field", ["actor", "act", "target", "outcome"])
def test_a_nul_in_a_filter_finds_nothing(field: str) -> None:
    act()

    assert targets(EntryFilter(**{field: "a\x00"})) == []


def test_entries_that_touch_a_hidden_topic_are_left_out() -> None:
    act(target="both", topics=("orders.dlq", "payments.dlq"))
    act(target="mine", topics=("orders.dlq",))
    act(target="theirs", topics=("payments.dlq",))
    act("demo.switch", target="nobody's", topics=())
    act(target="unknown topics", topics=())
    limited = actor(Role.VIEWER, name="vic", topics=("orders.*",))

    assert targets(who=limited) == ["nobody's", "mine"]
    assert targets(who=actor(Role.VIEWER, topics=())) == ["unknown topics", "nobody's"]  # the first is ana's own
    assert targets(who=actor(None)) == []
    hidden = Entry.objects.get(target="theirs")
    assert queries.entry(actor=limited, seq=hidden.seq) is None
    assert queries.entry(actor=actor(), seq=hidden.seq) == hidden


def test_ones_own_refusal_is_seen_although_it_names_no_topic() -> None:
    limited = actor(name="vic", topics=("orders.*",))
    with (
        pytest.raises(Exception, match="without a topic"),
        audit.action("letters.replay", actor=limited, target="group:9", reason="test"),
    ):
        pass

    assert targets(who=limited) == ["group:9"]


class TestApi:
    @pytest.fixture
    def api(self, client: Client):
        issued = operations.issue_token(
            account=account(Role.VIEWER, name="vic"), name="t", life=timedelta(days=1), now=clock.SYSTEM.now()
        )

        def get(path: str = "", **headers: str):
            return client.get(f"/api/v1/activity{path}", headers={"Authorization": f"Bearer {issued.secret}"} | headers)

        return get

    def test_it_lists_entries_with_a_cursor(self, api) -> None:
        for number in range(3):
            act(target=str(number))

        first = api("?limit=2").json()
        second = api(f"?limit=2&cursor={first['next']}").json()

        assert [item["target"] for item in first["items"] + second["items"]] == ["2", "1", "0"]
        assert second["next"] is None
        assert first["items"][0] | {"at": "", "hash": ""} == {
            "seq": 3,
            "at": "",
            "actor_kind": "user",
            "actor": "ana",
            "account": "ana",
            "act": "letters.replay",
            "target": "2",
            "topics": ["orders.dlq"],
            "reason": "test",
            "outcome": "done",
            "facts": {},
            "trace_id": "",
            "request_id": "",
            "hash": "",
        } | {name: first["items"][0][name] for name in ("trace_id", "request_id")}

    def test_it_answers_nobody_without_a_token(self, client: Client) -> None:
        assert client.get("/api/v1/activity").status_code == 401

    @pytest.mark.parametrize(
        "query",
        [
            "cursor=0",
            "cursor=x",
            "cursor=99999999999999999999",
            "limit=0",
            "limit=201",
            "outcome=maybe",
            "since=yesterday",
            "target=%00",
            "actor=" + "a" * 301,
            "since=2026-01-01T00:00:00",
        ],
    )
    def test_a_question_that_is_none_is_refused(self, api, query: str) -> None:
        assert api(f"?{query}").status_code == 422

    def test_a_filter_filters(self, api) -> None:
        act(target="a")
        act(target="b")

        assert [item["target"] for item in api("?target=b&act=letters.*&outcome=done&actor=ana").json()["items"]] == [
            "b"
        ]
