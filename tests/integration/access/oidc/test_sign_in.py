"""Signing in at an identity provider: who comes in, as whom, with which rights."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import authenticate, get_user_model
from django.test import Client

from reliability.access import Role, operations
from reliability.access.models import Account
from reliability.audit.models import Entry
from reliability.kernel import clock
from tests.integration.access.oidc.conftest import Visitor
from tests.support.actors import PASSWORD, account
from tests.support.forged_provider import ForgedProvider, serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.integration.access.urls")]


def test_who_is_known_to_the_provider_comes_in_with_the_role_of_the_groups(visitor: Visitor) -> None:
    answer = visitor.signs_in("/accounts/sso/?next=/look/")

    assert (answer.status_code, answer["Location"]) == (302, "/look/")
    assert visitor.name == "olga"
    made = Account.objects.get()
    assert (made.role, made.topic_scopes, made.user.has_usable_password()) == ("operator", ["*"], False)
    entry = Entry.objects.get()
    assert (entry.act, entry.target, entry.actor_name) == ("accounts.provide", "account:olga", "sign-in")


def test_the_request_names_a_nonce_a_state_and_a_challenge_and_nothing_that_was_asked_for_in_the_address(
    visitor: Visitor,
) -> None:
    asked = dict(parse_qsl(urlsplit(visitor.sent("/accounts/sso/?scope=x&auth_params=prompt%3Dnone")).query))

    assert asked["scope"] == "openid profile"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["nonce"]) >= 32
    assert "prompt" not in asked
    assert asked["redirect_uri"] == "http://testserver/accounts/sso/callback/"


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_signing_in_never_leads_to_another_site(visitor: Visitor, to: str) -> None:
    assert visitor.signs_in(f"/accounts/sso/?next={to}")["Location"] == "/"


def test_the_session_id_changes_and_a_second_visit_finds_the_same_account(visitor: Visitor) -> None:
    visitor.sent()
    before = visitor.client.session.session_key
    visitor.signs_in()
    assert visitor.client.session.session_key != before
    visitor.client.logout()
    visitor.provider.person["preferred_username"] = "renamed"
    visitor.signs_in()

    assert visitor.name == "olga"
    assert get_user_model().objects.count() == 1


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["all"], "viewer"), (["x", "leads", "all"], "admin"), ("ops", "operator"), (["ops", 7], "operator")],
)
def test_the_highest_role_of_the_groups_counts(visitor: Visitor, groups: Any, role: str) -> None:
    visitor.provider.person["groups"] = groups
    visitor.signs_in()

    assert Account.objects.get().role == role


@pytest.mark.parametrize(
    "groups", [[], ["strangers"], None, {"ops": True}, 7, [["ops"]], "OPS", ["x"] * 1001, ["ops\n"]]
)
def test_who_has_no_group_that_gives_a_role_gets_no_account_but_a_sentence(visitor: Visitor, groups: Any) -> None:
    visitor.provider.person["groups"] = groups
    answer = visitor.signs_in()

    assert answer.status_code == 403
    assert visitor.name == ""
    assert not get_user_model().objects.exists()
    assert not Entry.objects.exists()  # strangers fill no audit


def test_a_default_role_lets_everybody_of_the_provider_in(visitor: Visitor, rules: dict[str, Any]) -> None:
    rules["default_role"] = "viewer"
    visitor.provider.person["groups"] = []
    visitor.signs_in()

    assert Account.objects.get().role == "viewer"


def test_a_demotion_counts_from_the_next_sign_in_on_also_for_what_is_open_elsewhere(
    visitor: Visitor, client: Client
) -> None:
    visitor.signs_in()
    elsewhere = Visitor(Client(), visitor.provider)
    visitor.provider.person["groups"] = ["all"]
    elsewhere.signs_in()

    assert visitor.client.post("/act/").status_code == 403
    assert Account.objects.get().role == "viewer"
    changed = Entry.objects.filter(act="accounts.provide").latest("seq")
    assert (changed.facts["before"], changed.facts["role"]) == ("operator", "viewer")


def test_who_left_every_group_is_refused_and_keeps_nothing_neither_session_nor_token(visitor: Visitor) -> None:
    visitor.signs_in()
    token = operations.issue_token(
        account=Account.objects.get(), name="ci", life=operations.LONGEST_LIFE, now=clock.SYSTEM.now()
    )
    visitor.provider.person["groups"] = []
    elsewhere = Visitor(Client(), visitor.provider)

    assert elsewhere.signs_in().status_code == 403
    assert visitor.name == ""
    bearer = {"Authorization": f"Bearer {token.secret}"}
    assert Client().get("/api/v1/letters", headers=bearer).status_code in (401, 403)
    assert Account.objects.get().role == ""

    visitor.provider.person["groups"] = ["ops"]
    elsewhere.signs_in()
    assert elsewhere.name == "olga"


def test_who_was_disabled_here_stays_out(visitor: Visitor) -> None:
    visitor.signs_in()
    get_user_model().objects.update(is_active=False)
    visitor.client.logout()

    assert visitor.signs_in().status_code == 403
    assert visitor.name == ""
    assert get_user_model().objects.get().is_active is False


def test_a_local_account_of_that_name_is_not_taken_over(visitor: Visitor) -> None:
    local = operations.create_account(username="Olga", password=PASSWORD, role=Role.ADMIN)
    visitor.signs_in()

    assert visitor.name.startswith("olga-")
    assert visitor.client.post("/act/").status_code == 200  # an operator of her own, not the admin
    assert not SocialAccount.objects.filter(user=local.user).exists()
    assert authenticate(username="Olga", password=PASSWORD) == local.user


def test_the_same_subject_and_mail_of_another_issuer_is_another_person(visitor: Visitor, rules: dict[str, Any]) -> None:
    visitor.provider.person |= {"email": "olga@example.org", "email_verified": True}
    visitor.signs_in()
    with serving() as other:
        other.person = dict(visitor.provider.person)
        rules["issuer"] = other.issuer
        stranger = Visitor(Client(), other)
        stranger.signs_in()
        assert stranger.name.startswith("olga-")
    assert SocialAccount.objects.values("user").distinct().count() == 2


def test_a_local_account_with_the_same_mail_is_not_found(visitor: Visitor) -> None:
    local = account(Role.ADMIN, name="boss").user
    local.email = "olga@example.org"
    local.save()
    visitor.provider.person |= {"email": "olga@example.org", "email_verified": True}
    visitor.signs_in()

    assert visitor.name == "olga"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("ol\u202ega\x00", "ol-ga"),
        ("<b>olga</b>", "b-olga-b"),
        ("ölga", "lga"),
        ("\u043elga", "lga"),  # a Cyrillic letter
        ("x" * 5000, "x" * 60),
        ("", "sso-"),
        (7, "sso-"),
        ("../..", "sso-"),
    ],
)
def test_a_strange_name_becomes_a_plain_one(visitor: Visitor, said: object, kept: str) -> None:
    visitor.provider.person |= {"preferred_username": said, "name": "O\u202e\x00lga" + "y" * 4000}
    visitor.signs_in()

    user = get_user_model().objects.get()
    assert user.username.startswith(kept)
    assert user.username.isascii()
    assert "\x00" not in user.first_name
    assert "\u202e" not in user.first_name


def test_a_password_opens_nothing_of_theirs_and_cannot_be_given(visitor: Visitor) -> None:
    visitor.signs_in()

    with pytest.raises(operations.BadAccount, match="identity provider"):
        operations.create_account(username="olga", password=PASSWORD, role=Role.ADMIN, update=True)
    assert visitor.client.get("/accounts/password/change/").status_code == 409
    assert authenticate(username="olga", password="") is None


def test_topics_come_from_their_claim(visitor: Visitor, rules: dict[str, Any]) -> None:
    rules["topics_claim"] = "mainstay.topics"
    visitor.provider.person["mainstay"] = {"topics": ["orders*", "payments"]}
    visitor.signs_in()
    assert Account.objects.get().topic_scopes == ["orders*", "payments"]

    visitor.client.logout()
    del visitor.provider.person["mainstay"]
    visitor.signs_in()
    assert Account.objects.get().topic_scopes == []  # without the claim no topic, not every topic

    visitor.client.logout()
    visitor.provider.person["mainstay"] = {"topics": ["a|b"]}
    assert visitor.signs_in().status_code == 422


@pytest.mark.parametrize(("proof", "let_in"), [({"amr": ["pwd", "otp"]}, True), ({"acr": "otp"}, True), ({}, False)])
def test_admins_may_need_a_stronger_sign_in(
    visitor: Visitor, rules: dict[str, Any], proof: dict[str, Any], let_in: bool
) -> None:
    rules["admin_needs"] = ["otp", "hwk"]
    visitor.provider.person |= {"groups": ["leads"], **proof}

    assert (visitor.signs_in().status_code == 302) is let_in
    assert (visitor.name == "olga") is let_in


def test_signing_out_offers_to_end_the_session_at_the_provider(visitor: Visitor) -> None:
    visitor.signs_in()
    answer = visitor.client.post("/accounts/logout/", follow=True)

    assert visitor.name == ""
    assert f"{visitor.provider.issuer}/end?client_id=mainstay" in answer.content.decode()


def test_a_link_on_another_site_begins_no_sign_in(visitor: Visitor) -> None:
    answer = visitor.client.get("/accounts/sso/", headers={"Sec-Fetch-Site": "cross-site"})

    assert answer["Location"] == "/accounts/login/"


def test_without_a_provider_there_is_no_such_page(client: Client) -> None:
    assert client.get("/accounts/sso/").status_code == 404
    assert client.get("/accounts/sso/callback/?code=x&state=y").status_code == 404
    assert "Sign in with" not in client.get("/accounts/login/").content.decode()


def test_the_login_page_has_both_ways(visitor: Visitor) -> None:
    page = visitor.client.get("/accounts/login/?next=/look/").content.decode()

    assert "Sign in with the works account" in page
    assert "/accounts/sso/?next=/look/" in page


def test_claims_of_userinfo_count_where_they_are_asked_for(visitor: Visitor, rules: dict[str, Any]) -> None:
    rules["userinfo"] = True
    del visitor.provider.person["groups"]
    visitor.provider.userinfo = {"groups": ["leads"], "iss": "https://evil.example", "nonce": "x"}
    visitor.signs_in()

    assert Account.objects.get().role == "admin"


def test_two_first_sign_ins_at_once_make_one_account(provider: ForgedProvider) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    visitors = [Visitor(Client(), provider) for _ in range(3)]
    ready = [provider.authorize(each.sent()) for each in visitors]

    def back(number: int) -> int:
        try:
            code, asked = ready[number]
            return visitors[number].comes_back(code=code, state=asked["state"]).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(back, range(3))) == [302, 302, 302]
    assert get_user_model().objects.count() == 1
    assert Entry.objects.filter(outcome="done").count() == 1
