"""Sessions of browsers: how long they last, how they are ended, and that what ended opens nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from reliability.access import Role, operations
from reliability.access.domain import browsers
from reliability.access.models import BrowserSession
from reliability.audit.models import Entry
from reliability.kernel import clock
from reliability.live import queries as live_queries
from reliability.live.queries import SessionRef
from tests.support.actors import PASSWORD, account

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.integration.access.urls")]

MINUTE, HOUR = 60, 3600
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> clock.ManualClock:
    """A clock that the test moves; it begins now, so that Django's own dates agree."""
    manual = clock.ManualClock(clock.SYSTEM.now())
    monkeypatch.setattr(clock, "SYSTEM", manual)
    return manual


def browser(name: str = "ana", *, agent: str = FIREFOX) -> Client:
    """Somebody signed in, with a password, in a browser of their own."""
    client = Client(headers={"User-Agent": agent})
    assert client.post("/accounts/login/", {"login": name, "password": PASSWORD}).status_code == 302
    assert is_in(client)
    return client


def is_in(client: Client) -> bool:
    return client.get("/look/").status_code == 200


@pytest.fixture(autouse=True)
def ana() -> None:
    operations.create_account(username="ana", password=PASSWORD, role=Role.OPERATOR)


def test_a_session_rests_two_hours_and_no_longer(hands: clock.ManualClock) -> None:
    client = browser()
    hands.advance(2 * HOUR - MINUTE)
    assert is_in(client)
    hands.advance(2 * HOUR - MINUTE)
    assert is_in(client)
    hands.advance(2 * HOUR)
    assert not is_in(client)
    assert not BrowserSession.objects.exists()
    assert not Session.objects.filter(session_key=client.cookies["sessionid"].value or "x").exists()


def test_twelve_hours_are_the_end_whatever_is_done(hands: clock.ManualClock) -> None:
    client = browser()
    for _ in range(12 * 2 - 1):
        hands.advance(HOUR / 2)
        assert is_in(client)
    hands.advance(HOUR / 2)
    assert not is_in(client)


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/look/", {"X-Region": "x", "HX-Request": "true"}), ("/live/versions?topic=letters", {}), ("/rail/?at=", {})],
    ids=["a region", "versions", "the rail"],
)
def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(
    hands: clock.ManualClock, path: str, headers: dict[str, str]
) -> None:
    client = browser()
    for _ in range(4):
        hands.advance(HOUR / 2 - 1)
        assert client.get(path, headers=headers).status_code in (200, 204)
    hands.advance(MINUTE)
    assert not is_in(client)


def test_a_session_begun_by_a_clock_that_was_ahead_ends_when_the_clock_is_right_again(hands: clock.ManualClock) -> None:
    hands.advance(365 * 24 * HOUR)
    client = browser()
    hands.advance(-365 * 24 * HOUR)

    assert not is_in(client)
    client = browser()
    hands.advance(-4 * MINUTE)  # another host's clock
    assert is_in(client)


def test_what_strangers_left_at_the_door_is_swept(hands: clock.ManualClock) -> None:
    Client().session.save()
    Session.objects.update(expire_date=hands.now() - timedelta(hours=1))
    browser()

    assert [each.session_key for each in Session.objects.all()] == [BrowserSession.objects.get().session_key]


def test_limits_are_settings(hands: clock.ManualClock, settings: Settings) -> None:
    settings.SESSION_IDLE_S, settings.SESSION_WHOLE_S = 0, 20 * HOUR
    client = browser()
    hands.advance(11 * HOUR)
    assert is_in(client)
    settings.SESSION_WHOLE_S = 10 * HOUR
    assert not is_in(client)


def test_the_api_by_session_ends_too(hands: clock.ManualClock) -> None:
    client = browser()
    assert client.get("/api/v1/letters").status_code == 200
    hands.advance(3 * HOUR)
    assert client.get("/api/v1/letters").status_code == 401


def test_somebody_sees_his_browsers_and_ends_one() -> None:
    here, there = browser(), browser(agent="Mozilla/5.0 (iPhone) Version/26 Mobile Safari/605")
    shown = here.get("/settings/access/").content.decode()
    assert "Firefox on Linux" in shown
    assert "Safari on iPhone" in shown
    row = BrowserSession.objects.get(browser="Safari on iPhone")

    here.post(f"/settings/sessions/{row.pk}/end/")

    assert is_in(here)
    assert not is_in(there)
    entry = Entry.objects.get()
    assert (entry.act, entry.outcome) == ("sessions.own", "done")
    assert row.session_key not in repr(vars(entry))


def test_somebody_ends_all_others_and_nobody_elses() -> None:
    operations.create_account(username="bo", password=PASSWORD, role=Role.VIEWER)
    here, there, elsewhere, bo = browser(), browser(), browser(), browser("bo")
    here.post("/settings/sessions/others/end/")

    assert [is_in(each) for each in (here, there, elsewhere, bo)] == [True, False, False, True]
    theirs = BrowserSession.objects.get(user__username="bo")
    assert here.post(f"/settings/sessions/{theirs.pk}/end/").status_code == 404
    assert is_in(bo)


def test_a_session_that_nobody_used_since_the_sign_in_is_ended_with_the_others() -> None:
    kept_for_later = Client()
    kept_for_later.post("/accounts/login/", {"login": "ana", "password": PASSWORD})
    here = browser()
    here.post("/settings/sessions/others/end/")

    assert not is_in(kept_for_later)
    assert is_in(here)


def test_who_signs_in_over_somebody_else_is_known_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    operations.create_account(username="bo", password=PASSWORD, role=Role.VIEWER)
    client = browser()
    monkeypatch.setattr("allauth.account.app_settings.AUTHENTICATED_LOGIN_REDIRECTS", False)
    client.post("/accounts/login/", {"login": "bo", "password": PASSWORD})

    assert client.get("/look/").content == b"bo"
    [row] = BrowserSession.objects.all()
    assert (row.user.username, row.session_key) == ("bo", client.cookies["sessionid"].value)


def test_an_admin_ends_all_of_somebody_and_others_may_not() -> None:
    operations.create_account(username="ada", password=PASSWORD, role=Role.ADMIN)
    ana, again, ada = browser(), browser(), browser("ada")
    number = BrowserSession.objects.filter(user__username="ana")[0].user_id
    assert ana.post(f"/settings/accounts/{number}/sessions/end/").status_code == 403
    assert ada.post(f"/settings/accounts/{number}/sessions/end/").status_code == 302

    assert [is_in(each) for each in (ana, again, ada)] == [False, False, True]
    entry = Entry.objects.filter(outcome="done").get()
    assert (entry.act, entry.target, entry.facts["sessions_ended"]) == ("accounts.manage", "account:ana", 2)


def test_a_new_password_ends_the_others_and_keeps_this_one_with_its_age(hands: clock.ManualClock) -> None:
    here, there = browser(), browser()
    began = BrowserSession.objects.earliest("pk").began_at
    hands.advance(HOUR)
    before = here.cookies["sessionid"].value
    new = PASSWORD + " new"
    here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert is_in(here)
    assert not is_in(there)
    key = here.cookies["sessionid"].value
    assert key != before
    assert BrowserSession.objects.get(session_key=key).began_at == began


def test_an_ended_session_is_not_brought_back_by_a_request_that_was_under_way() -> None:
    client = browser()
    key = client.cookies["sessionid"].value
    Session.objects.filter(session_key=key).delete()

    assert not is_in(client)
    assert not Session.objects.filter(session_key=key).exists()


def test_sockets_of_the_consoles_secret_before_stay_open_while_it_is_named(settings: Settings) -> None:
    client = browser()
    row = BrowserSession.objects.get()
    ref = SessionRef(session_key=row.session_key, user_id=row.user_id)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one for the time from now on, long enough"
    assert ref in live_queries.actors_of({ref}, now=clock.SYSTEM.now())

    assert is_in(client)
    assert BrowserSession.objects.get().began_at == row.began_at
    settings.SECRET_KEY_FALLBACKS = []
    settings.SECRET_KEY = "a third one that nobody knows, long enough for it all"
    assert not is_in(client)


def test_a_cookie_that_somebody_made_up_is_nobodys() -> None:
    client = Client()
    client.cookies["sessionid"] = "x" * 32
    assert not is_in(client)
    client.cookies["sessionid"] = "\x00" * 10
    assert not is_in(client)
    assert not BrowserSession.objects.exists()


def test_what_is_over_is_forgotten_when_somebody_signs_in(hands: clock.ManualClock) -> None:
    browser()
    account(Role.VIEWER, name="vic")
    hands.advance(13 * HOUR)
    browser()

    assert BrowserSession.objects.count() == 1


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("", "An unnamed client"),
        ("\x00<script>", "A browser"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150 Safari/537.36 Edg/150", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) AppleWebKit/605 Version/26 Safari/605", "Safari on macOS"),
        ("curl/8.5.0", "curl"),
    ],
)
def test_browsers_have_names_that_their_owners_know(agent: str, name: str) -> None:
    assert browsers.called(agent) == name
