"""Codes of the second factor: asked for after the password, good once, not to be guessed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from django.test import Client

from reliability.access import Role, forms, operations
from reliability.kernel import clock
from tests.support.actors import PASSWORD
from tests.support.telephone import PERIOD_S, Telephone, code_given, is_in, password_given, set_up

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.integration.access.urls"),
    pytest.mark.usefixtures("ada"),
]


def test_after_the_password_the_code_is_asked_for(client: Client, phone: Telephone, codes: list[str]) -> None:
    answer = password_given(client)
    assert answer["Location"] == "/accounts/second-factor/authenticate/"
    assert not is_in(client)
    assert code_given(client, "000000").status_code == 200
    assert not is_in(client)
    assert code_given(client, phone.code())["Location"] == "/look/"
    assert is_in(client)


def test_a_code_counts_once_also_in_another_process(client: Client, phone: Telephone, codes: list[str]) -> None:
    password_given(client)
    seen = phone.code()
    assert code_given(client, seen).status_code == 302
    cache.clear()  # another process remembers nothing
    other = Client()
    password_given(other)
    assert code_given(other, seen).status_code == 200
    assert code_given(other, phone.code(off_s=-PERIOD_S)).status_code == 200  # an older one neither
    assert not is_in(other)
    phone.wait()
    assert code_given(other, phone.code()).status_code == 302


def test_clocks_may_differ_by_half_a_minute(client: Client, phone: Telephone, codes: list[str]) -> None:
    password_given(client)
    assert code_given(client, phone.code(off_s=-3 * PERIOD_S)).status_code == 200
    assert code_given(client, phone.code(off_s=-PERIOD_S)).status_code == 302


def test_a_printed_code_opens_once(client: Client, phone: Telephone, codes: list[str]) -> None:
    password_given(client)
    assert code_given(client, codes[3]).status_code == 302
    other = Client()
    password_given(other)
    assert code_given(other, codes[3]).status_code == 200
    assert not is_in(other)


@pytest.mark.parametrize("code", ["", "abc", "1" * 500, "\x00" * 6, "\u0661\u0662\u0663\u0664\u0665\u0666"])
def test_what_is_no_code_opens_nothing(client: Client, codes: list[str], code: str) -> None:
    password_given(client)
    assert code_given(client, code).status_code == 200
    assert not is_in(client)


def test_guessing_ends_after_five(client: Client, phone: Telephone, codes: list[str]) -> None:
    password_given(client)
    for _ in range(5):
        code_given(client, "000000")
    assert code_given(client, phone.code()).status_code in (200, 429)
    assert not is_in(client)


def test_guessing_ends_for_the_day_also_over_many_processes(
    client: Client, phone: Telephone, codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "SYSTEM", clock.ManualClock(clock.SYSTEM.now()))
    password_given(client)
    for number in range(forms.MOST_WRONG_A_DAY):
        cache.clear()  # another process counts from the beginning
        wrong = code_given(client, "x" if number % 2 else "00000001")
    assert "Too many" not in wrong.content.decode()

    cache.clear()
    for code in (phone.code(), codes[0]):
        assert "Too many wrong codes for today" in code_given(client, code).content.decode()
    assert not is_in(client)
    clock.SYSTEM.advance(24 * 3600)  # type: ignore[attr-defined]  # of the test
    cache.clear()
    password_given(client)
    assert code_given(client, phone.code()).status_code == 302


def test_wrong_codes_at_once_are_all_counted(phone: Telephone, codes: list[str]) -> None:
    def wrong(client: Client) -> int:
        try:
            return code_given(client, "00000001").status_code
        finally:
            connection.close()

    clients = [Client() for _ in range(4)]
    for client in clients:
        password_given(client)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(wrong, clients)) == [200] * 4

    assert Authenticator.objects.get(type="totp").data["wrong"][1] == 4


@pytest.mark.parametrize("printed", [True, False], ids=["printed", "app"])
def test_of_four_with_the_same_code_at_once_one_is_in(phone: Telephone, codes: list[str], printed: bool) -> None:
    def given(client: Client) -> int:
        try:
            return code_given(client, codes[0] if printed else phone.code()).status_code
        finally:
            connection.close()

    clients = [Client() for _ in range(4)]
    for client in clients:
        password_given(client)
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(given, clients)) == [200, 200, 200, 302]


def test_the_code_that_set_it_up_opens_nothing(client: Client, phone: Telephone) -> None:
    password_given(client)
    seen_at_s = phone.now_s
    set_up(client, phone)
    phone.now_s = seen_at_s
    other = Client()
    password_given(other)

    assert code_given(other, phone.code()).status_code == 200
    phone.now_s += PERIOD_S
    assert code_given(other, phone.code()).status_code == 302


def test_a_code_without_a_password_opens_nothing(client: Client, phone: Telephone, codes: list[str]) -> None:
    assert code_given(client, phone.code())["Location"].startswith("/accounts/login/")
    assert not is_in(client)


def test_a_password_changed_before_the_code_opens_nothing_any_more(
    client: Client, phone: Telephone, codes: list[str]
) -> None:
    password_given(client)
    operations.create_account(username="ada", password=PASSWORD + " new", role=Role.ADMIN, update=True)
    answer = code_given(client, phone.code())

    assert (answer.status_code, is_in(client)) == (401, False)
    assert "Your password was changed while you signed in" in answer.content.decode()
    assert client.get("/accounts/login/").status_code == 200


def test_an_account_disabled_before_the_code_opens_nothing_also_later(
    client: Client, phone: Telephone, codes: list[str]
) -> None:
    password_given(client)
    get_user_model().objects.update(is_active=False)
    assert code_given(client, phone.code())["Location"] == "/accounts/inactive/"
    get_user_model().objects.update(is_active=True)

    assert not is_in(client)
