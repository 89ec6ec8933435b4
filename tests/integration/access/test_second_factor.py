"""The second factor: set up, asked for, used once, required by role, taken off; and what comes in without it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
from io import StringIO
from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import call_command
from django.http import HttpResponseBase
from django.test import Client
from pytest_django import Settings

from reliability.access import Role, operations, queries
from reliability.access.models import Account, BrowserSession
from reliability.audit.models import Entry
from reliability.live import queries as live_queries
from reliability.live.queries import SessionRef
from tests.support.actors import PASSWORD, account

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.integration.access.urls")]

PERIOD_S = 30


class Telephone:
    """An authenticator app after RFC 6238, and the clock that both sides read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1_800_000_000.0
        self.secret = ""
        monkeypatch.setattr("allauth.mfa.totp.internal.auth.time", SimpleNamespace(time=lambda: self.now_s))

    def code(self, *, off_s: float = 0) -> str:
        """What it shows."""
        step = struct.pack(">Q", int((self.now_s + off_s) // PERIOD_S))
        digest = hmac.new(base64.b32decode(self.secret), step, hashlib.sha1).digest()
        at = digest[-1] & 15
        return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"

    def wait(self) -> None:
        """Until it shows another one, and none of before counts."""
        self.now_s += 4 * PERIOD_S


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> Telephone:
    return Telephone(monkeypatch)


@pytest.fixture(autouse=True)
def ada() -> None:
    cache.clear()
    operations.create_account(username="ada", password=PASSWORD, role=Role.ADMIN)


def password_given(client: Client) -> HttpResponseBase:
    return client.post("/accounts/login/?next=/look/", {"login": "ada", "password": PASSWORD})


def code_given(client: Client, code: str) -> HttpResponseBase:
    return client.post("/accounts/second-factor/authenticate/", {"code": code})


def is_in(client: Client) -> bool:
    return client.get("/look/").status_code == 200


def set_up(client: Client, phone: Telephone) -> list[str]:
    """As somebody signed in: the password again, the secret into the telephone, its code; return the printed codes."""
    client.post("/accounts/reauthenticate/?next=/accounts/second-factor/app/", {"password": PASSWORD})
    page = client.get("/accounts/second-factor/app/").content.decode()
    phone.secret = re.search(r'<code class="hash">(\w+)</code>', page)[1]  # type: ignore[index]  # it is there
    done = client.post("/accounts/second-factor/app/", {"code": phone.code()}, follow=True)
    codes = re.findall(r"<li>(\d{8})</li>", done.content.decode())
    assert len(codes) == 10, done.content.decode()
    phone.wait()
    return codes


@pytest.fixture
def codes(client: Client, phone: Telephone) -> list[str]:
    """Set up for ada, who has signed out again."""
    password_given(client)
    printed = set_up(client, phone)
    client.post("/accounts/logout/")
    return printed


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


def test_nothing_readable_is_in_the_database(phone: Telephone, codes: list[str]) -> None:
    kept = repr(list(Authenticator.objects.values()))

    assert phone.secret not in kept
    assert not any(code in kept for code in codes)


def test_a_new_secret_of_the_console_still_opens_what_the_one_before_sealed(
    client: Client, phone: Telephone, codes: list[str], settings: Settings
) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one for the time from now on, long enough"
    password_given(client)

    assert code_given(client, phone.code()).status_code == 302


def test_setting_up_takes_the_password_again_and_is_on_record(client: Client, phone: Telephone) -> None:
    password_given(client)
    assert client.get("/accounts/second-factor/app/")["Location"].startswith("/accounts/reauthenticate/")
    set_up(client, phone)

    entries = Entry.objects.filter(act="accounts.factor")
    assert {entry.facts["factor"] for entry in entries} == {"totp", "recovery_codes"}
    assert phone.secret not in repr([vars(entry) for entry in entries])


def test_it_is_taken_off_with_the_password_and_on_record(client: Client, phone: Telephone, codes: list[str]) -> None:
    password_given(client)
    code_given(client, phone.code())
    client.post("/accounts/reauthenticate/?next=/x", {"password": PASSWORD})
    client.post("/accounts/second-factor/app/end/")

    assert not Authenticator.objects.exists()
    assert "removed" in {entry.facts["what"] for entry in Entry.objects.filter(act="accounts.factor")}


# --- required by role


def test_who_must_and_has_not_can_do_nothing_but_set_it_up(
    client: Client, phone: Telephone, settings: Settings
) -> None:
    settings.MFA_REQUIRED_FOR = ["admin"]
    password_given(client)

    assert client.get("/look/")["Location"] == "/accounts/second-factor/app/"
    fragment = client.get("/look/", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment["HX-Redirect"]) == (403, "/accounts/second-factor/app/")
    told = client.get("/api/v1/letters")
    assert (told.status_code, told.json()["code"]) == (403, "second-factor-needed")
    assert client.post("/act/")["Location"] == "/accounts/second-factor/app/"
    ref = SessionRef(session_key=client.session.session_key or "", user_id=Account.objects.get().user_id)
    [actor] = live_queries.actors_of({ref}, now=BrowserSession.objects.get().seen_at).values()
    assert live_queries.followed(actor, ["letters", "overview"]) == frozenset()
    assert not queries.visible_topics(actor).allows("orders")

    set_up(client, phone)
    assert is_in(client)


def test_who_must_cannot_take_it_off(client: Client, phone: Telephone, codes: list[str], settings: Settings) -> None:
    settings.MFA_REQUIRED_FOR = ["admin"]
    password_given(client)
    code_given(client, phone.code())
    client.post("/accounts/reauthenticate/?next=/x", {"password": PASSWORD})
    client.post("/accounts/second-factor/app/end/")

    assert Authenticator.objects.filter(type="totp").exists()


def test_a_setting_counts_for_sessions_that_are_open(client: Client, settings: Settings) -> None:
    password_given(client)
    assert is_in(client)
    settings.MFA_REQUIRED_FOR = ["admin"]
    assert not is_in(client)
    Account.objects.update(role="operator")
    assert is_in(client)


def test_who_signs_in_at_a_provider_has_it_there(client: Client, settings: Settings) -> None:
    settings.MFA_REQUIRED_FOR = ["admin", "operator", "viewer"]
    client.force_login(account(Role.ADMIN, name="olga").user)  # without a password

    assert is_in(client)
    assert client.get("/accounts/second-factor/app/").status_code == 409


def test_who_lost_everything_is_helped_by_command(client: Client, phone: Telephone, codes: list[str]) -> None:
    password_given(client)
    code_given(client, phone.code())
    assert is_in(client)
    out = StringIO()
    call_command("reset_second_factor", "--username", "ada", stdout=out)

    assert "second factors are off" in out.getvalue()
    assert not is_in(client)
    password_given(client)
    assert is_in(client)
    entry = Entry.objects.filter(act="accounts.manage").latest("seq")
    assert (entry.target, entry.facts["sessions_ended"] >= 1) == ("account:ada", True)


@pytest.mark.parametrize("page", ["app/", "app/end/", "codes/", "codes/new/", "reauthenticate/"])
def test_a_stranger_sees_none_of_it(client: Client, page: str) -> None:
    answer = client.get(f"/accounts/second-factor/{page}")

    assert answer["Location"].startswith("/accounts/login/")
