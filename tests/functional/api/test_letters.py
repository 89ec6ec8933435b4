"""Letters and failure groups over the API."""

from __future__ import annotations

from base64 import b64decode
from datetime import timedelta

import pytest

from dlq.models import Letter
from tests.functional.api.conftest import Api
from tests.support.letters import record, store
from tests.support.replays import World


def test_a_letter_shows_its_exact_bytes(api: Api, world: World) -> None:
    extra = (("x", b"1"), ("x", None), ("x", b""), ("b", b"\x00\xff"))
    store(record(5, key=b"\x00\xff", value=None, extra=extra), now=world.now)
    letter = Letter.objects.get()
    status, shown = api("GET", f"/letters/{letter.pk}")
    assert status == 200
    assert b64decode(shown["key_bytes"]["base64"]) == b"\x00\xff"
    assert shown["value_bytes"] == {"base64": None, "text": "", "size": 0, "masked": False}
    own = [header for header in shown["headers"] if not header["name"].startswith("mainstay-")]
    assert [(header["name"], header["base64"]) for header in own] == [
        ("x", "MQ=="), ("x", None), ("x", ""), ("b", "AP8="),
    ]  # fmt: skip
    assert shown["origin"] == {"topic": "orders", "partition": 0, "offset": 5, "timestamp_ms": None}
    assert (shown["state"], shown["consumer_group"], shown["error_type"]) == (
        "open", "billing", "shop.errors.PaymentTimeout",
    )  # fmt: skip


def test_letters_are_listed_by_search_state_and_group_in_pages(api: Api, world: World) -> None:
    letters = world.letters(5)
    Letter.objects.filter(pk=letters[0].pk).update(state="resolved")
    _, page = api("GET", "/letters?limit=2")
    assert ([each["id"] for each in page["items"]], page["next"]) == ([letters[4].pk, letters[3].pk], letters[3].pk)
    assert (page["count"], page["count_is_capped"]) == (5, False)
    _, rest = api("GET", f"/letters?limit=10&cursor={page['next']}")
    assert [each["id"] for each in rest["items"]] == [letter.pk for letter in letters[2::-1]]
    assert rest["next"] is None
    assert len(api("GET", "/letters?state=resolved")[1]["items"]) == 1
    assert len(api("GET", "/letters?q=key:k1")[1]["items"]) == 1
    assert len(api("GET", f"/letters?group={letters[0].group_id}")[1]["items"]) == 5
    assert api("GET", f"/letters?group={letters[0].group_id + 1}")[1]["items"] == []
    assert api("GET", "/letters?q=nonsense:1")[0] == 422


def test_groups_count_and_can_be_replayed_by_scope_and_by_filter(api: Api, world: World) -> None:
    letters = world.letters(4)
    status, page = api("GET", "/letter-groups")
    assert (status, len(page["items"]), page["next"]) == (200, 1, None)
    (group,) = page["items"]
    assert (group["open"], group["count"], group["cause"], group["topics"]) == (4, 4, "dependency", ["orders"])
    assert api("GET", f"/letter-groups/{group['id']}")[1]["title"] == group["title"]
    for scope, count in (({"group": group["id"]}, 4), ({"filter": "key:k1"}, 1), ({"filter": ""}, 4)):
        assert api("POST", "/replay-plans", {"scope": scope})[1]["letters"] == count
    _, plan = api("POST", "/replay-plans", {"scope": {"filter": f"failure:{group['id']} key:k2"}})
    _, run = api("POST", "/replays", {"plan": plan["id"], "hash": plan["hash"], "reason": "x"})
    _, shown = api("GET", f"/letters/{letters[2].pk}")
    assert (shown["state"], [each["replay"] for each in shown["history"]]) == ("replaying", [run["id"]])


@pytest.mark.parametrize("path", ["/letters", "/letter-groups"])
def test_topics_out_of_scope_are_not_shown(api: Api, world: World, path: str) -> None:
    (letter,) = world.letters(1)
    assert api("GET", path, who="limited")[1]["items"] == []
    assert api("GET", f"/letters/{letter.pk}", who="limited")[0] == 404
    assert api("GET", f"/letter-groups/{letter.group_id}", who="limited")[0] == 404
    assert api("GET", path, who="")[0] == 401


def test_the_api_describes_itself(api: Api) -> None:
    status, described = api("GET", "/openapi.json")
    assert status == 200
    for path in ("/letters", "/letter-groups", "/replay-plans", "/replays", "/replays/{replay_id}/pause", "/discards"):
        assert f"/api/v1{path}" in described["paths"]


SECRETS = ("hunter2", "4111111111111111", "t0k3n", "s3cr3t")


def secret_letter(world: World) -> Letter:
    store(
        record(
            1,
            key=b'{"apiKey": {"id": "s3cr3t"}}',
            value=b'{"password": "hunter2", "card": {"number": "4111111111111111"}, "order": 17}',
            extra=(("authorization", b"Bearer t0k3n"), ("tenant", b"acme")),
            error_message="refused: password=hunter2",
            error_stack="Traceback: charge(password=hunter2)",
        ),
        now=world.now,
    )
    return Letter.objects.select_related("group").get()


def test_a_viewer_gets_no_secrets_from_any_answer(api: Api, world: World) -> None:
    letter = secret_letter(world)
    for path in (f"/letters/{letter.pk}", "/letters", "/letter-groups", f"/letter-groups/{letter.group_id}"):
        status, answer = api("GET", path, who="viewer")
        assert status == 200
        assert not [secret for secret in SECRETS if secret in str(answer)], path
    _, shown = api("GET", f"/letters/{letter.pk}", who="viewer")
    assert (shown["value_bytes"]["base64"], shown["value_bytes"]["masked"]) == (None, True)
    assert (shown["key_bytes"]["base64"], shown["key_bytes"]["masked"]) == (None, True)
    assert '"order": 17' in shown["value_bytes"]["text"]
    headers = {header["name"]: header for header in shown["headers"]}
    assert (headers["authorization"]["base64"], headers["authorization"]["masked"]) == (None, True)
    assert (b64decode(headers["tenant"]["base64"]), headers["tenant"]["masked"]) == (b"acme", False)


def test_a_viewer_gets_no_secrets_from_what_was_tried(api: Api, world: World) -> None:
    letter = secret_letter(world)
    run = world.approve(letter)
    run.items.update(error="refused with password=hunter2")
    assert "hunter2" not in str(api("GET", f"/letters/{letter.pk}", who="viewer")[1]["history"])
    assert "hunter2" in str(api("GET", f"/letters/{letter.pk}")[1]["history"])


def test_an_operator_gets_the_exact_bytes_of_secrets(api: Api, world: World) -> None:
    letter = secret_letter(world)
    _, shown = api("GET", f"/letters/{letter.pk}")
    assert b64decode(shown["value_bytes"]["base64"]) == bytes(letter.value or b"")
    assert (shown["value_bytes"]["masked"], shown["error_message"]) == (False, "refused: password=hunter2")


def test_what_is_too_long_to_be_looked_through_is_withheld(api: Api, world: World) -> None:
    store(record(1, value=b"x " * 40_000 + b"password=hunter2"), now=world.now)
    _, shown = api("GET", f"/letters/{Letter.objects.get().pk}", who="viewer")
    assert (shown["value_bytes"]["base64"], shown["value_bytes"]["masked"]) == (None, True)


def test_a_group_tells_only_of_topics_that_may_be_seen(api: Api, world: World) -> None:
    where = {"error_message": "the same", "error_type": "shop.Error"}
    store(record(1, origin_topic="orders", **where), now=world.now - timedelta(minutes=5))
    store(record(2, origin_topic="stock.eu", topic="stock.dlq", **where), now=world.now)
    (group,) = api("GET", "/letter-groups", who="limited")[1]["items"]
    assert (group["topics"], group["sample_message"], group["limited"]) == (["stock.eu"], "", True)
    assert (group["count"], group["open"], group["sources"]) == (1, 1, ["stock.dlq"])
    assert group["first_seen"] == group["last_seen"]
    assert api("GET", f"/letter-groups/{group['id']}", who="limited")[1] == group
    assert sum(group["points"]) == 1
    assert api("GET", "/letter-groups")[1]["items"][0]["topics"] == ["orders", "stock.eu"]
