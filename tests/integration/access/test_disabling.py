"""An account is disabled: nothing of it opens anything, and never are all admins gone."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from reliability.access import Actor, Role, operations, queries
from reliability.access.models import Account
from reliability.audit.models import Entry
from reliability.console.operations import accounts
from reliability.kernel import clock
from tests.support.actors import PASSWORD, account

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.integration.access.urls")]


def signed_in(name: str) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": name, "password": PASSWORD})
    assert client.get("/look/").status_code == 200
    return client


@pytest.fixture
def ada() -> Client:
    """An admin's browser."""
    operations.create_account(username="ada", password=PASSWORD, role=Role.ADMIN)
    return signed_in("ada")


@pytest.fixture
def ana(ada: Client) -> Account:
    return operations.create_account(username="ana", password=PASSWORD, role=Role.OPERATOR)


def is_active(name: str) -> bool:
    return bool(get_user_model().objects.get(username=name).is_active)


def actor(name: str) -> Actor:
    return queries.actor_of_user(get_user_model().objects.get(username=name))


def test_an_admin_disables_somebody_and_nothing_of_theirs_opens_anything(ada: Client, ana: Account) -> None:
    browser = signed_in("ana")
    token = operations.issue_token(account=ana, name="ci", life=timedelta(days=9), now=clock.SYSTEM.now()).secret
    bearer = {"Authorization": f"Bearer {token}"}
    pair = Client().post("/api/v1/auth/grants", headers=bearer).json()
    ada.post(f"/settings/accounts/{ana.user_id}/disable/")

    assert browser.get("/look/").status_code == 302
    for secret in (token, pair["access_token"]):
        assert Client().get("/api/v1/letters", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    again = Client().post("/api/v1/auth/refresh", headers={"Authorization": f"Bearer {pair['refresh_token']}"})
    assert again.status_code == 401
    assert (
        Client().post("/accounts/login/", {"login": "ana", "password": PASSWORD})["Location"] == "/accounts/inactive/"
    )
    entry = Entry.objects.latest("seq")
    assert (entry.act, entry.target, entry.facts["active"]) == ("accounts.manage", "account:ana", False)
    assert "Enable" in ada.get("/settings/access/").content.decode()

    ada.post(f"/settings/accounts/{ana.user_id}/enable/")
    assert browser.get("/look/").status_code == 302  # what ended stays ended
    assert signed_in("ana")


def test_who_is_no_admin_disables_nobody(ana: Account) -> None:
    boss = Account.objects.get(user__username="ada")

    assert signed_in("ana").post(f"/settings/accounts/{boss.user_id}/disable/").status_code == 403
    assert is_active("ada")
    assert Entry.objects.latest("seq").outcome == "refused"


def test_nobody_disables_themselves(ada: Client) -> None:
    operations.create_account(username="bea", password=PASSWORD, role=Role.ADMIN)
    own = Account.objects.get(user__username="ada")
    answer = ada.post(f"/settings/accounts/{own.user_id}/disable/", follow=True)

    assert "Another admin can" in answer.content.decode()
    assert is_active("ada")


def test_the_last_admin_stays(ada: Client) -> None:
    with pytest.raises(CommandError, match="last admin"):
        call_command("disable_account", "--username", "ada")
    assert is_active("ada")
    account(Role.ADMIN, name="old")
    get_user_model().objects.filter(username="old").update(is_active=False)
    with pytest.raises(CommandError, match="last admin"):  # a disabled one does not count
        call_command("disable_account", "--username", "ada")


def test_of_two_admins_who_disable_each_other_at_once_one_stays(ada: Client) -> None:
    operations.create_account(username="bea", password=PASSWORD, role=Role.ADMIN)
    both = [(actor("ada"), "bea"), (actor("bea"), "ada")]

    def disable(pair: tuple[Actor, str]) -> str:
        try:
            accounts.set_active(actor=pair[0], username=pair[1], active=False)
        except operations.LastAdmin:
            return "refused"
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(disable, both)) == ["done", "refused"]
    assert [is_active("ada"), is_active("bea")].count(True) == 1


def test_the_command_disables_and_enables(ana: Account) -> None:
    browser, out = signed_in("ana"), StringIO()
    call_command("disable_account", "--username", "ana", stdout=out)
    assert browser.get("/look/").status_code == 302
    call_command("disable_account", "--username", "ana", "--enable", stdout=out)

    assert out.getvalue().splitlines() == ["ana: disabled, 1 session ended", "ana: may come in again"]
    with pytest.raises(CommandError, match="no active account"):
        call_command("disable_account", "--username", "nobody")
    with pytest.raises(CommandError, match="NUL"):
        call_command("disable_account", "--username", "nobody\x00")


def test_over_rest_an_admin_disables_and_enables(ada: Client, ana: Account) -> None:
    browser = signed_in("ana")

    def put(client: Client, name: str, body: object) -> tuple[int, dict[str, object]]:
        answer = client.put(f"/api/v1/accounts/{name}/active", json.dumps(body), content_type="application/json")
        return answer.status_code, answer.json()

    assert put(browser, "ada", {"active": False})[0] == 403
    assert (Entry.objects.latest("seq").outcome, Entry.objects.latest("seq").actor_name) == ("refused", "ana")
    assert put(ada, "ana", {"active": False}) == (200, {"username": "ana", "active": False, "sessions_ended": 1})
    assert browser.get("/look/").status_code == 302
    listed = {each["username"]: each for each in ada.get("/api/v1/accounts").json()["items"]}
    assert (listed["ana"]["active"], listed["ada"]["active"], listed["ada"]["role"]) == (False, True, "admin")
    assert "password" not in listed["ada"]
    assert put(ada, "ana", {"active": True})[1]["active"] is True
    assert signed_in("ana").get("/api/v1/accounts").status_code == 403

    told = {name: put(ada, name, {"active": False}) for name in ("ada", "nobody")}
    assert {name: (status, body["code"]) for name, (status, body) in told.items()} == {
        "ada": (409, "own-account"),
        "nobody": (404, "no-such-account"),
    }
    assert put(ada, "ana", {"active": "perhaps"})[0] == 422
    assert put(ada, "ana", {})[0] == 422
