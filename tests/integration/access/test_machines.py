"""Machines: an API token for minutes of access, refresh tokens that count once, families that end at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from pytest_django import Settings

from reliability.access import Role, operations
from reliability.access.models import Account, ApiToken, RefreshToken, TokenFamily
from reliability.access.operations import machines
from reliability.audit.models import Entry
from reliability.console import own
from reliability.kernel import clock
from tests.support import actors

pytestmark = pytest.mark.django_db(transaction=True)

READ = "/api/v1/letters"


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> clock.ManualClock:
    """A clock that the test moves."""
    manual = clock.ManualClock(clock.SYSTEM.now())
    monkeypatch.setattr(clock, "SYSTEM", manual)
    return manual


def api_token(role: Role = Role.OPERATOR, *, name: str = "ana", **given: Any) -> str:
    owner = Account.objects.filter(user__username=name).first() or actors.account(role, name=name)
    return operations.issue_token(
        account=owner, name="robot", life=timedelta(days=90), now=clock.SYSTEM.now(), **given
    ).secret


def ask(method: str, path: str, secret: str, body: str = "") -> tuple[int, Any]:
    answer = Client().generic(
        method, path, body, content_type="application/json", headers={"Authorization": f"Bearer {secret}"}
    )
    return answer.status_code, answer.json()


def begun(secret: str) -> dict[str, Any]:
    status, pair = ask("POST", "/api/v1/auth/grants", secret)
    assert status == 201, pair
    return pair


def refreshed(pair: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    return ask("POST", "/api/v1/auth/refresh", pair["refresh_token"])


def opens(pair: dict[str, Any]) -> bool:
    return ask("GET", READ, pair["access_token"])[0] == 200


def test_an_access_token_opens_what_its_api_token_opens_for_ten_minutes(hands: clock.ManualClock) -> None:
    pair = begun(api_token())
    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 600)
    assert opens(pair)
    hands.advance(599)
    assert opens(pair)
    hands.advance(2)
    assert not opens(pair)


def test_nothing_that_is_handed_out_is_in_the_database_or_on_record() -> None:
    pair = begun(api_token())
    kept = repr([list(each.objects.values()) for each in (RefreshToken, TokenFamily, Entry)])

    assert pair["refresh_token"] not in kept
    assert pair["access_token"] not in kept
    entry = Entry.objects.get()
    assert (entry.act, entry.actor_name, entry.target) == ("tokens.grant", "ana/robot", "token:ana/robot")


def test_a_refresh_token_gives_the_next_pair_and_the_family_ends_in_the_end(hands: clock.ManualClock) -> None:
    pair = begun(api_token())
    family = pair["family"]
    for _ in range(29):
        hands.advance(23 * 3600)
        status, pair = refreshed(pair)
        assert status == 200
        assert pair["family"] == family
        assert opens(pair)
    for _ in range(3):
        hands.advance(23 * 3600)
        status, answer = refreshed(pair)
        pair = answer if status == 200 else pair
    assert (status, answer["code"]) == (401, "bad-refresh")


def test_a_refresh_token_waits_a_day_and_no_longer(hands: clock.ManualClock) -> None:
    pair = begun(api_token())
    hands.advance(24 * 3600)

    assert refreshed(pair)[1]["code"] == "bad-refresh"


def test_a_refresh_token_used_twice_ends_its_family_and_is_on_record_and_asks_for_a_person() -> None:
    first = begun(api_token())
    other = begun(ApiToken.objects.get() and api_token(name="bo"))
    _, second = refreshed(first)
    status, problem = refreshed(first)

    assert (status, problem["code"]) == (401, "reused-refresh")
    assert not opens(first)
    assert not opens(second)
    assert refreshed(second)[1]["code"] == "bad-refresh"
    assert opens(other)  # another family goes on
    entry = Entry.objects.filter(act="tokens.reuse").get()
    assert (entry.actor_name, entry.target, entry.facts["ended"]) == ("token-guard", "token:ana/robot", True)
    [item] = own.reused_tokens(actor=actors.actor(Role.ADMIN))
    assert item.word == "Token shown twice"
    assert own.reused_tokens(actor=actors.actor(Role.OPERATOR)) == []


def test_of_two_at_once_one_wins_and_the_family_ends() -> None:
    pair = begun(api_token())

    def once(_: int) -> str:
        try:
            status, answer = refreshed(pair)
            return "pair" if status == 200 else str(answer["code"])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        told = sorted(pool.map(once, range(4)))

    assert told.count("pair") == 1
    assert "reused-refresh" in told
    assert set(told) <= {"pair", "reused-refresh", "bad-refresh"}
    assert TokenFamily.objects.get().why == "reused"
    assert Entry.objects.filter(act="tokens.reuse", facts_json__contains='"ended":true').count() == 1


def revoke_api_token() -> None:
    ApiToken.objects.update(revoked_at=clock.SYSTEM.now())


def disable_account() -> None:
    get_user_model().objects.update(is_active=False)


def end_family() -> None:
    machines.end(family_id=TokenFamily.objects.get().pk, why="ended", now=clock.SYSTEM.now())


def take_role() -> None:
    Account.objects.update(role="")


CUTS = [revoke_api_token, disable_account, end_family, take_role]


@pytest.mark.parametrize("cut", CUTS, ids=lambda each: each.__name__)
def test_what_is_cut_is_cut_at_the_next_request(cut: Any) -> None:
    pair = begun(api_token())
    assert opens(pair)
    cut()

    assert not opens(pair)
    if cut is not take_role:
        assert refreshed(pair)[0] == 401


def test_who_is_demoted_has_no_more_by_an_older_token_and_who_rises_neither() -> None:
    pair = begun(api_token(Role.OPERATOR))
    Account.objects.update(role="viewer")
    pause = ("POST", "/api/v1/outbox/pause", pair["access_token"], '{"shards": [1], "reason": "x"}')
    assert ask(*pause)[0] == 403

    begun(api_token(name="bo"))
    Account.objects.update(role="admin")
    ApiToken.objects.update(role="admin")
    for tokens, seen in ((pair, 1), (refreshed(pair)[1], 2)):  # an admin would see those of all
        assert len(ask("GET", "/api/v1/auth/grants", tokens["access_token"])[1]["items"]) == seen


def test_topics_and_acts_bound_it() -> None:
    secret = api_token(acts=["outbox.view"])
    pair = begun(secret)

    assert ask("GET", "/api/v1/outbox/parked", pair["access_token"])[0] == 200
    assert ask("GET", READ, pair["access_token"])[0] == 403


@pytest.mark.parametrize("secret", ["", "mst_wrong", "msr_wrong", "a.b.c", "x" * 9000, "msr_" + "é" * 9])
def test_nothing_else_begins_or_goes_on(secret: str) -> None:
    for path in ("grants", "refresh"):
        assert ask("POST", f"/api/v1/auth/{path}", secret.encode().decode("latin-1"))[0] == 401
    assert not Entry.objects.exists()


def test_an_access_token_and_a_refresh_token_are_no_api_token() -> None:
    pair = begun(api_token())

    assert ask("POST", "/api/v1/auth/grants", pair["access_token"])[0] == 401
    assert ask("POST", "/api/v1/auth/grants", pair["refresh_token"])[0] == 401
    assert ask("GET", READ, pair["refresh_token"])[0] == 401
    assert ask("POST", "/api/v1/auth/refresh", pair["access_token"])[0] == 401


def test_a_session_begins_no_family(client: Client) -> None:
    client.force_login(actors.account().user)

    assert client.post("/api/v1/auth/grants").status_code == 401


def test_tokens_of_the_secret_before_count_while_it_is_named(settings: Settings) -> None:
    pair = begun(api_token())
    before = settings.SECRET_KEY
    settings.SECRET_KEY = "another one for the time from now on, long enough"
    assert not opens(pair)
    settings.SECRET_KEY_FALLBACKS = [before]
    assert opens(pair)


def test_one_ends_ones_own_and_an_admin_anybodys_and_nobody_else_sees_them() -> None:
    pair = begun(api_token())
    stranger, boss = api_token(Role.OPERATOR, name="bo"), api_token(Role.ADMIN, name="ada")
    address = f"/api/v1/auth/grants/{pair['family']}"

    assert ask("GET", "/api/v1/auth/grants", stranger) == (200, {"items": []})
    assert ask("DELETE", address, stranger)[0] == 404
    assert [each["token"] for each in ask("GET", "/api/v1/auth/grants", boss)[1]["items"]] == ["robot"]
    assert ask("DELETE", address, boss) == (200, {"ended": True})
    assert ask("DELETE", address, boss) == (200, {"ended": False})
    assert not opens(pair)
    mine = begun(stranger)
    address = f"/api/v1/auth/grants/{mine['family']}"
    assert ask("DELETE", address, mine["access_token"]) == (200, {"ended": True})


def test_one_api_token_has_so_many_families_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "MOST_FAMILIES", 2)
    secret = api_token()
    begun(secret)
    pair = begun(secret)
    assert ask("POST", "/api/v1/auth/grants", secret)[1]["code"] == "too-many-families"
    refreshed(pair)
    assert ask("POST", "/api/v1/auth/grants", secret)[0] == 429


def test_a_refresh_with_a_body_is_refused_and_uses_nothing_up() -> None:
    pair = begun(api_token())
    status, problem = ask("POST", "/api/v1/auth/refresh", pair["refresh_token"], '{"a": 1}')

    assert (status, problem["code"]) == (422, "unknown-name")
    assert refreshed(pair)[0] == 200
