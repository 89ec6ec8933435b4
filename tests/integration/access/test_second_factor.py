"""The second factor: set up, required by role, taken off; and what comes in without it."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from reliability.access import Role, queries
from reliability.access.models import Account, BrowserSession
from reliability.audit.models import Entry
from reliability.live import queries as live_queries
from reliability.live.queries import SessionRef
from tests.support.actors import PASSWORD, account
from tests.support.telephone import Telephone, code_given, is_in, password_given, set_up

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.integration.access.urls"),
    pytest.mark.usefixtures("ada"),
]


def test_pages_with_secrets_are_kept_nowhere(client: Client, phone: Telephone) -> None:
    password_given(client)
    client.post("/accounts/reauthenticate/?next=/x", {"password": PASSWORD})
    page = client.get("/accounts/second-factor/app/")
    phone.secret = re.search(r'<code class="hash">(\w+)</code>', page.content.decode())[1]  # type: ignore[index]  # it is there
    done = client.post("/accounts/second-factor/app/", {"code": phone.code()}, follow=True)

    assert "no-store" in page["Cache-Control"]
    assert "no-store" in done["Cache-Control"]


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

    settings.SECRET_KEY_FALLBACKS = []  # everybody has signed in again
    for given in (phone, codes):
        phone.wait()
        again = Client()
        password_given(again)
        assert code_given(again, given.code() if isinstance(given, Telephone) else given[0]).status_code == 302


@pytest.mark.parametrize("printed", [True, False], ids=["printed", "app"])
def test_a_secret_that_was_changed_without_the_one_before_is_a_sentence(
    client: Client, phone: Telephone, codes: list[str], settings: Settings, printed: bool
) -> None:
    settings.SECRET_KEY = "another one for the time from now on, long enough"
    password_given(client)
    answer = code_given(client, codes[0] if printed else phone.code())

    assert "MAINSTAY_SECRET_KEY_PREVIOUS" in answer.content.decode()
    assert not is_in(client)


def test_setting_up_takes_the_password_again_and_is_on_record(client: Client, phone: Telephone) -> None:
    password_given(client)
    assert client.get("/accounts/second-factor/app/")["Location"].startswith("/accounts/reauthenticate/")
    set_up(client, phone)

    entries = Entry.objects.filter(act="accounts.factor")
    assert {entry.facts["factor"] for entry in entries} == {"totp", "recovery_codes"}
    assert phone.secret not in repr([vars(entry) for entry in entries])


@pytest.mark.parametrize(("needed", "way_out"), [([], "Leave it as it is"), (["admin"], "Sign out")])
def test_who_need_not_set_it_up_may_leave_it(
    client: Client, settings: Settings, needed: list[str], way_out: str
) -> None:
    settings.MFA_REQUIRED_FOR = needed
    password_given(client)
    client.post("/accounts/reauthenticate/?next=/x", {"password": PASSWORD})
    page = client.get("/accounts/second-factor/app/").content.decode()
    assert [way for way in ("Leave it as it is", "Sign out") if way in page] == [way_out]


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
