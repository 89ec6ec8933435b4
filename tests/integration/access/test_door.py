"""The door of every page, and what other sites make browsers send."""

from __future__ import annotations

import pytest
from django.test import Client

from reliability.access import Role
from reliability.audit.models import Entry
from tests.support.actors import account

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.integration.access.urls")]


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(account(Role.VIEWER, name="vic").user)
    return client


def test_a_stranger_is_sent_to_the_login_page_and_back(client: Client) -> None:
    answer = client.get("/look/?group=7")

    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=/look/%3Fgroup%3D7"


def test_a_strangers_post_does_nothing_and_leaves_no_entry(client: Client) -> None:
    answer = client.post("/act/")

    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=/"
    assert not Entry.objects.exists()


def test_a_fragment_takes_the_whole_window_to_the_login_page(client: Client) -> None:
    answer = client.get("/look/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Redirect"]) == (401, "/accounts/login/")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("page", "there"),
    [
        ("http://testserver/look/?group=7#row", "/accounts/login/?next=/look/%3Fgroup%3D7"),
        ("http://elsewhere.example/look/", "/accounts/login/"),
        ("//elsewhere.example/look/", "/accounts/login/"),
        ("http://testserver//elsewhere.example/", "/accounts/login/"),
        ("javascript:alert(1)", "/accounts/login/"),
        ("look", "/accounts/login/"),
    ],
)
def test_who_signs_in_again_comes_back_to_the_page_of_the_fragment(
    client: Client, method: str, page: str, there: str
) -> None:
    answer = getattr(client, method)("/act/", headers={"HX-Request": "true", "HX-Current-URL": page})

    assert (answer.status_code, answer["HX-Redirect"]) == (401, there)


def test_who_signs_in_again_after_a_lost_form_comes_back_to_its_page(client: Client) -> None:
    mine = client.post("/act/", headers={"Referer": "http://testserver/look/?group=7"})
    others = client.post("/act/", headers={"Referer": "http://elsewhere.example/look/"})

    assert mine["Location"] == "/accounts/login/?next=/look/%3Fgroup%3D7"
    assert others["Location"] == "/accounts/login/?next=/"


def test_a_viewer_sees_and_does_not_act(viewer: Client) -> None:
    assert viewer.get("/look/").content == b"vic"
    assert viewer.get("/act/").status_code == 403


def test_a_refused_post_is_on_record(viewer: Client) -> None:
    answer = viewer.post("/act/")

    assert answer.status_code == 403
    assert b"takes the role operator" in answer.content
    entry = Entry.objects.get()
    assert (entry.outcome, entry.actor_name, entry.act, entry.target) == ("refused", "vic", "letters.replay", "/act/")


def test_an_act_refused_inside_shows_the_same_page_and_one_entry(viewer: Client) -> None:
    answer = viewer.post("/act-inside/")

    assert answer.status_code == 403
    assert Entry.objects.get().act == "letters.discard"


def test_an_operator_acts(client: Client) -> None:
    client.force_login(account().user)

    assert client.post("/act/").content == b"acted"
    assert client.post("/act-inside/").content == b"acted"


def test_a_role_cut_acts_at_once(client: Client) -> None:
    mine = account(Role.OPERATOR)
    client.force_login(mine.user)
    assert client.post("/act/").status_code == 200
    mine.role = Role.VIEWER
    mine.save()

    assert client.post("/act/").status_code == 403


def test_a_disabled_account_is_signed_out_at_once(client: Client) -> None:
    user = account().user
    client.force_login(user)
    user.is_active = False
    user.save()

    assert client.get("/look/").status_code == 302


def test_a_user_without_an_account_row_may_nothing(client: Client) -> None:
    mine = account()
    client.force_login(mine.user)
    mine.delete()

    answer = client.get("/look/")

    assert answer.status_code == 403
    assert b"no role" in answer.content


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense", ""])
def test_what_another_site_sends_is_refused(client: Client, site: str) -> None:
    client.force_login(account().user)

    assert client.post("/act/", headers={"Sec-Fetch-Site": site}).status_code == 403
    assert client.get("/look/", headers={"Sec-Fetch-Site": site}).status_code == 200


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_our_own_pages_and_the_address_bar_pass(client: Client, site: str) -> None:
    client.force_login(account().user)

    assert client.post("/act/", headers={"Sec-Fetch-Site": site}).status_code == 200


def test_the_api_says_it_as_a_problem_document(client: Client) -> None:
    answer = client.post("/api/v1/activity", headers={"Sec-Fetch-Site": "cross-site"})

    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "cross-site"


def test_a_page_post_needs_the_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(account().user)

    assert client.post("/act/").status_code == 403


def test_an_act_that_is_not_in_the_table_stops_the_start() -> None:
    from reliability import access

    with pytest.raises(access.UnknownAct):
        access.requires("letters.destroy")
