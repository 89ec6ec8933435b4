"""Signing in and out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings
from structlog.testing import capture_logs

from reliability import settings as product
from reliability.access import Role, operations
from reliability.access.models import BrowserSession
from reliability.audit.models import Entry
from tests.support.actors import PASSWORD, account

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.integration.access.urls")]


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ana() -> None:
    operations.create_account(username="ana", password=PASSWORD, role=Role.OPERATOR)


def sign_in(client: Client, *, username: str = "ana", password: str = PASSWORD, to: str = ""):
    return client.post(f"/accounts/login/?next={to}", {"login": username, "password": password})


def test_the_right_password_signs_in_and_leads_on(client: Client, ana: None) -> None:
    answer = sign_in(client, to="/look/")

    assert (answer.status_code, answer["Location"]) == (302, "/look/")
    assert client.get("/look/").content == b"ana"


def test_who_signed_in_and_who_could_not_is_in_the_log(client: Client, ana: None) -> None:
    with capture_logs() as lines:
        sign_in(client, password="wrong")
        sign_in(client, username="my-password-by-mistake")
        sign_in(client)
    told = [(line["event"], line["account"], line["address"]) for line in lines if "sign" in line["event"]]
    assert told == [
        ("sign_in_failed", "ana", "127.0.0.1"),
        ("sign_in_failed", "", "127.0.0.1"),
        ("signed_in", "ana", "127.0.0.1"),
    ]
    assert "mistake" not in str(lines)


def test_the_session_id_changes_at_login(client: Client, ana: None) -> None:
    client.session.save()
    before = client.session.session_key
    sign_in(client)

    assert client.session.session_key != before


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_login_never_leads_to_another_site(client: Client, ana: None, to: str) -> None:
    assert sign_in(client, to=to)["Location"] == "/"


@pytest.mark.parametrize("username", ["a" * 151, "ana\0", "\x1bana"], ids=["too long", "NUL", "escape"])
def test_a_name_that_no_account_can_have_reads_like_a_wrong_one_and_nothing_invisible_comes_back(
    client: Client, ana: None, username: str
) -> None:
    answer = sign_in(client, username=username)

    assert answer.context["form"].errors == sign_in(client, username="nobody").context["form"].errors
    page = answer.content.decode()
    assert "Enter a username and a password." not in page
    assert not {"\0", "\x1b"} & set(page)


@pytest.mark.parametrize(("username", "password"), [("", PASSWORD), ("ana", ""), ("", "")])
def test_what_was_not_given_is_asked_for(client: Client, ana: None, username: str, password: str) -> None:
    answer = sign_in(client, username=username, password=password)

    assert "Enter a username and a password." in answer.content.decode()


def test_a_wrong_password_and_an_unknown_name_read_the_same(client: Client, ana: None) -> None:
    wrong = sign_in(client, password="wrong").context["form"].errors
    unknown = sign_in(client, username="nobody").context["form"].errors

    assert wrong == unknown
    assert wrong


def test_after_five_wrong_passwords_even_the_right_one_waits(client: Client, ana: None) -> None:
    for _ in range(5):
        sign_in(client, password="wrong")

    assert sign_in(client).status_code == 200
    assert client.get("/look/").status_code == 302


def test_a_stranger_who_guesses_keeps_nobody_else_out(client: Client, ana: None) -> None:
    stranger = Client(REMOTE_ADDR="192.0.2.66")
    for _ in range(8):
        sign_in(stranger, password="wrong")

    assert sign_in(stranger).status_code == 200
    assert sign_in(client).status_code == 302


def test_many_addresses_together_guess_so_often_and_no_more(client: Client, ana: None, settings: Settings) -> None:
    limits = {**settings.ACCOUNT_RATE_LIMITS, "name_failed": "6/h/key"}
    settings.ACCOUNT_RATE_LIMITS = limits
    for number in range(6):
        sign_in(Client(REMOTE_ADDR=f"192.0.2.{number}"), password="wrong")

    assert "Too many" in sign_in(Client(REMOTE_ADDR="192.0.2.77")).content.decode()
    assert product.ACCOUNT_RATE_LIMITS["name_failed"] == "300/h/key"  # five from each address in five minutes: 60


def test_signing_in_uses_up_no_tries(ana: None, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "name_failed": "3/h/key"}

    assert [sign_in(Client()).status_code for _ in range(8)] == [302] * 8


def test_what_counts_failures_is_not_pushed_out_by_more_of_them(client: Client, ana: None, settings: Settings) -> None:
    settings.CACHES = product.CACHES
    for _ in range(5):
        sign_in(client, password="wrong")
    for number in range(400):
        cache.set(f"another-{number}", 1)

    assert sign_in(client).status_code == 200


@pytest.mark.parametrize("said", ["192.0.2.1", "nonsense, 192.0.2.1", "", ",", "\x7f, 1"])
def test_proxies_that_tell_less_than_the_settings_say_keep_nobody_out(
    client: Client, ana: None, settings: Settings, said: str
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    client.defaults["HTTP_X_FORWARDED_FOR"] = said

    assert sign_in(client, to="/look/").status_code == 302
    assert client.get("/look/").status_code == 200
    assert BrowserSession.objects.get().address == "127.0.0.1"


def test_a_made_up_forwarded_address_does_not_help(client: Client, ana: None) -> None:
    for number in range(6):
        client.post(
            "/accounts/login/",
            {"login": "ana", "password": "wrong"},
            headers={"X-Forwarded-For": f"10.0.0.{number}"},
        )

    assert sign_in(client).status_code == 200


def test_signing_out_takes_a_post(client: Client, ana: None) -> None:
    sign_in(client)
    client.get("/accounts/logout/")
    assert client.get("/look/").status_code == 200

    client.post("/accounts/logout/")

    assert client.get("/look/").status_code == 302


@pytest.mark.parametrize("page", ["signup/", "password/reset/", "email/", "login/code/", "3rdparty/"])
def test_nothing_else_is_open(client: Client, page: str) -> None:
    assert client.get(f"/accounts/{page}").status_code == 404
    assert client.post(f"/accounts/{page}").status_code == 404


def test_a_new_password_ends_other_sessions(client: Client, ana: None) -> None:
    sign_in(client)
    operations.create_account(username="ana", password=PASSWORD + "!", role=Role.OPERATOR, update=True)

    assert client.get("/look/").status_code == 302


def test_changing_ones_password_is_on_record_and_keeps_this_session(client: Client, ana: None) -> None:
    sign_in(client)
    new = PASSWORD + " new"
    changed = client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert changed.status_code == 302
    assert client.get("/look/").status_code == 200
    entry = Entry.objects.get()
    assert (entry.act, entry.actor_name, entry.target) == ("accounts.password", "ana", "account:ana")


def test_a_password_is_not_changed_without_the_old_one(client: Client, ana: None) -> None:
    sign_in(client)
    client.post("/accounts/password/change/", {"oldpassword": "x", "password1": "y" * 20, "password2": "y" * 20})

    client.post("/accounts/logout/")
    assert sign_in(client).status_code == 302
    assert not Entry.objects.exists()


def test_an_account_without_a_password_is_told_who_can_set_one(client: Client) -> None:
    client.force_login(account(Role.VIEWER, name="vic").user)
    for answer in (client.get("/accounts/password/change/"), client.post("/accounts/password/change/", {})):
        assert answer.status_code == 409
        assert "manage.py create_account --username" in answer.content.decode()
        assert "set one for vic" in answer.content.decode()


def test_passwords_are_kept_with_argon2(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS  # the tests' own are cheaper

    assert make_password(PASSWORD).startswith("argon2$")
