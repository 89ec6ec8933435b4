"""Sides: a Django query, another PostgreSQL, an HTTP API; each also when it is slow, broken, hostile or gone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection

import sagas
from sagas.domain.reconciling.definition import SideError
from sagas.models import Signal
from sagas.queries import histories
from sagas.queries.sides import http_client
from sagas.queries.sides.http_client import HttpApi
from sagas.queries.sides.postgres_query import Postgres
from tests.support.http_side import serving

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = ["Z-1", "a-1", "a-2", "é-1"]


def store(*keys: str) -> None:
    now = histories.database_now()
    Signal.objects.bulk_create(
        [Signal(definition="d", key=key, event="paid", event_id=str(n), at=now) for n, key in enumerate(keys)]
    )


def rows(**changes: Any) -> Any:
    facts: dict[str, Any] = {"query": lambda: Signal.objects.filter(event="paid"), "key": "key", "fields": ["event_id"]}
    return sagas.rows("payments", **(facts | changes))


def elsewhere(query: str = "SELECT key, event_id FROM sagas_signal", **changes: Any) -> Postgres:
    facts = connection.get_connection_params()
    url = f"postgresql://{facts['user']}@{facts['host']}:{facts['port']}/{facts['dbname']}"
    if facts.get("password"):
        url = url.replace("@", f":{facts['password']}@")
    return sagas.postgres("payments", **({"url": lambda: url, "query": query, "key": "key"} | changes))


@pytest.mark.parametrize("make", [rows, elsewhere])
def test_a_database_is_read_in_the_order_of_bytes_and_asked_for_keys(make: Any) -> None:
    store("a-2", "é-1", "a-1", "Z-1", "a-1")
    side = make()
    streamed = list(side.stream())
    assert [key for key, _ in streamed] == ["Z-1", "a-1", "a-1", "a-2", "é-1"]
    assert streamed[0][1] == {"event_id": "3"}
    looked = side.lookup(["a-1", "nothing", "'; drop table x; --"])
    assert {key: len(found) for key, found in looked.rows.items()} == {"a-1": 2}
    assert not looked.unread


def test_more_rows_than_one_trip_brings_are_all_read() -> None:
    store(*[f"k-{number:05}" for number in range(4_500)])
    assert len(list(rows().stream())) == len(list(elsewhere().stream())) == 4_500


def test_a_key_that_is_no_text_is_read_as_one() -> None:
    store("a")
    number = Signal.objects.get().pk
    side = rows(key="id", fields=["key"])
    assert list(side.stream()) == [(str(number), {"key": "a"})]
    assert side.lookup([str(number)]).rows == {str(number): [{"key": "a"}]}


def test_a_query_that_cannot_be_read_is_told() -> None:
    side = rows(query=lambda: Signal.objects.extra(where=["no_such_column = 1"]))
    with pytest.raises(SideError, match="payments could not be read"):
        list(side.stream())
    assert "no_such_column" in side.lookup(["a"]).unread["a"]


def test_another_database_is_only_read() -> None:
    side = elsewhere("DELETE FROM sagas_signal RETURNING key")
    with pytest.raises(SideError, match="could not be read"):
        list(side.stream())
    writing = elsewhere("SELECT setval(pg_get_serial_sequence('sagas_signal', 'id'), 7) AS n, 'a' AS key")
    assert "read-only" in writing.lookup(["a"]).unread["a"]


def test_a_percent_sign_and_a_semicolon_in_a_query_are_its_own() -> None:
    store("a%b")
    side = elsewhere("SELECT key FROM sagas_signal WHERE key LIKE 'a%';")
    assert [key for key, _ in side.stream()] == ["a%b"]
    assert list(side.lookup(["a%b"]).rows) == ["a%b"]


def test_another_database_that_is_slow_down_or_not_what_was_said_is_told_without_its_secret() -> None:
    slow = elsewhere("SELECT pg_sleep(5)::text AS key", timeout_s=0.2)
    assert "statement timeout" in slow.lookup(["a"]).unread["a"]
    gone = elsewhere(url=lambda: "postgresql://me:s3cret@127.0.0.1:1/none")
    told = gone.lookup(["a"]).unread["a"]
    assert told.startswith("payments could not be read")
    assert "s3cret" not in told
    other = elsewhere("SELECT 1 AS n, key AS other FROM sagas_signal", key="other_key")
    with pytest.raises(SideError, match="other_key"):
        list(other.stream())


def payments(stored: Mapping[str, int]) -> Any:
    """A server that knows how many payments each key has, and pages."""

    def answer(query: Mapping[str, list[str]]) -> dict[str, Any]:
        if "order" in query:
            keys = query["order"]
        else:
            keys = [key for key in sorted(stored) if key > query.get("after", [""])[0]][: int(query["limit"][0])]
        items = [{"order": key, "n": n} for key in keys for n in range(stored.get(key, 0))]
        more = "order" not in query and len(keys) == int(query["limit"][0])
        return {"items": items, "complete": True, "next": keys[-1] if more else None}

    return answer


def api(url: str, **changes: Any) -> HttpApi:
    facts: dict[str, Any] = {"url": url, "key": "order", "parameter": "order", "timeout_s": 1.0}
    return sagas.http_api("payments", **(facts | changes))


def test_an_api_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "PAGE", 10)
    stored = {f"k-{number:03}": 1 + number % 2 for number in range(25)}
    with serving(payments(stored)) as server:
        side = api(server.url, streams=True, headers=lambda: {"Authorization": "Bearer t"})
        found = [key for key, _ in side.stream()]
    assert found == sorted(key for key, n in stored.items() for _ in range(n))
    assert len(server.asked) == 3
    assert {each["Authorization"] for each in server.headers} == {"Bearer t"}


def test_an_api_is_asked_for_many_keys_in_parallel_and_odd_ones_too() -> None:
    wanted = [f"k {number}&/ü\u202e" for number in range(400)]
    answer = payments({wanted[7]: 2, wanted[399]: 1})

    def slowly(query: Mapping[str, list[str]]) -> Any:
        time.sleep(0.05)
        return answer(query)

    with serving(slowly) as server:
        looked = api(server.url, parallel=4).lookup(wanted)
        assert {key: len(found) for key, found in looked.rows.items()} == {wanted[7]: 2, wanted[399]: 1}
        assert not looked.unread
        assert sorted(key for query in server.asked for key in query["order"]) == sorted(wanted)
        assert 1 < server.most_at_once <= 4


def test_one_request_that_fails_leaves_only_its_own_keys_unread() -> None:
    answer = payments({"k-000": 1, "k-199": 1})

    def half(query: Mapping[str, list[str]]) -> Any:
        return (500, {}) if "k-000" in query["order"] else answer(query)

    with serving(half) as server:
        looked = api(server.url).lookup([f"k-{number:03}" for number in range(200)])
    assert list(looked.rows) == ["k-199"]
    assert len(looked.unread) == http_client.KEYS_MAX
    assert set(looked.unread.values()) == {"payments answered 500"}


def test_an_answer_that_says_it_is_not_whole_says_nothing_of_what_is_missing() -> None:
    with serving(lambda query: {"items": [{"order": "a"}], "complete": False}) as server:
        looked = api(server.url).lookup(["a", "b"])
        assert list(looked.rows) == ["a"]
        assert looked.unread == {"b": "payments answered in part"}
        with pytest.raises(SideError, match="not whole"):
            list(api(server.url, streams=True).stream())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b'{"items": [{"order"', "what is no JSON"),
        (b"\xff\xfe\x00", "what is no JSON"),
        ([1], "no JSON object"),
        ({"rows": []}, 'without a list of "items"'),
        ({"items": [{"number": "a"}]}, "no text 'order'"),
        ({"items": [{"order": 7}]}, "no text 'order'"),
        ((404, {}), "answered 404"),
        ((302, {}), "answered 302"),
        ((503, {"items": []}), "answered 503"),
    ],
)
def test_an_answer_that_is_none_leaves_its_keys_unread(answer: Any, told: str) -> None:
    with serving(lambda query: answer) as server:
        assert told in api(server.url).lookup(["a"]).unread["a"]
        with pytest.raises(SideError) as refused:
            list(api(server.url, streams=True).stream())
        assert told in str(refused.value)


def test_an_api_that_hangs_or_drips_or_is_gone_is_given_up_in_time() -> None:
    def hang(query: Mapping[str, list[str]]) -> Any:
        time.sleep(1.0)
        return {"items": []}

    with serving(hang) as server:
        side = api(server.url, timeout_s=0.2)
        began = time.monotonic()
        assert "not within 0.2 s" in side.lookup(["a"]).unread["a"]
        assert time.monotonic() - began < 0.9
    with serving(lambda query: {"items": [], "more": "x" * 400}) as server:
        server.drip_s = 0.02
        began = time.monotonic()
        assert "not within 0.2 s" in api(server.url, timeout_s=0.2).lookup(["a"]).unread["a"]
        assert time.monotonic() - began < 3
    assert "nobody listens" in api("http://127.0.0.1:1/x").lookup(["a"]).unread["a"]


@pytest.mark.parametrize(
    "parts",
    [
        [b"HTTP/1.1 200 OK\r\n", *[b"X-More: yes\r\n"] * 30],
        [b"HTTP/1.1 100 Continue\r\n\r\n"] * 30,
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"0"] * 30],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", *[b"X-More: yes\r\n"] * 30],
    ],
)
def test_a_side_that_sends_a_little_now_and_then_is_given_up_in_time(parts: list[bytes]) -> None:
    with serving(lambda query: {}) as server:
        server.raw, server.drip_s = parts, 0.1
        began = time.monotonic()
        assert "not within 0.4 s" in api(server.url, timeout_s=0.4).lookup(["a"]).unread["a"]
        assert time.monotonic() - began < 2


def test_pages_with_nothing_on_them_are_no_list() -> None:
    with (
        serving(lambda query: {"items": [], "next": "a" + query.get("after", [""])[0]}) as server,
        pytest.raises(SideError, match="says that there is more"),
    ):
        list(api(server.url, streams=True).stream())


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "BODY_BYTES_MAX", 10_000)
    with serving(lambda query: {"items": [], "more": "x" * 200_000}) as server:
        assert "more than 10,000 bytes" in api(server.url).lookup(["a"]).unread["a"]


def test_a_next_key_that_does_not_go_on_is_told() -> None:
    answer = {"items": [{"order": "b"}], "next": "a"}
    with (
        serving(lambda query: answer if "after" in query else answer | {"next": "b"}) as server,
        pytest.raises(SideError, match="no later one"),
    ):
        list(api(server.url, streams=True).stream())


def test_only_http_addresses_are_asked() -> None:
    assert "neither http nor https" in api("file:///etc/passwd").lookup(["a"]).unread["a"]


@pytest.mark.parametrize(
    "address",
    [
        "postgresql//user:hunter2@h/db",
        "user:hunter2@h/db",
        "postgresql://user:hun@ter2@h/db",
        "postgresql://user:hun%ter2@h/db",
    ],
)
def test_an_address_that_is_none_is_refused_without_its_secret(address: str) -> None:
    told = str(elsewhere(url=lambda: address).lookup(["a"]).unread["a"])
    assert "its address is not that of a PostgreSQL" in told
    assert "ter2" not in told
