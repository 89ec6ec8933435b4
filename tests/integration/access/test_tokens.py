"""Bearer tokens: who comes in, and with which rights."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client, RequestFactory

from reliability.access import ANONYMOUS, Actor, Role, api, operations, policy_actor, queries, system_actor
from reliability.access.models import Account, ApiToken
from reliability.kernel import clock
from tests.support.actors import account

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def issue(*, role: Role = Role.OPERATOR, token_role: Role | None = None, topics=("*",), token_topics=None, life=DAY):
    owner = account(role, topics=topics)
    return operations.issue_token(
        account=owner, name="ci", role=token_role, topic_scopes=token_topics, life=life, now=clock.SYSTEM.now()
    )


def bearer(secret: str):
    return api.bearer(RequestFactory().get("/api/v1/activity", headers={"Authorization": f"Bearer {secret}"}))


def test_a_token_acts_with_its_owners_rights() -> None:
    actor = bearer(issue().secret)

    assert actor is not None
    assert (actor.kind, actor.name, actor.account, actor.role) == ("token", "ana/ci", "ana", Role.OPERATOR)


def test_the_token_itself_is_nowhere_in_the_database() -> None:
    issued = issue()
    row = ApiToken.objects.values().get()

    assert issued.secret[10:] not in repr(row)
    assert issued.secret.encode()[10:] not in bytes(row["hash"])


def test_a_token_with_fewer_rights_has_fewer_and_sees_only_what_both_see() -> None:
    actor = bearer(issue(token_role=Role.VIEWER, topics=("orders*",), token_topics=("*.dlq",)).secret)

    assert actor is not None
    assert actor.role is Role.VIEWER
    assert actor.scopes.allows("orders.dlq")
    assert not actor.scopes.allows("orders.retry")
    assert not actor.scopes.allows("payments.dlq")


def test_a_token_never_has_more_rights_than_its_owner() -> None:
    with pytest.raises(operations.BadToken, match="cannot have more rights"):
        issue(role=Role.VIEWER, token_role=Role.OPERATOR)


def test_a_token_loses_at_once_what_its_owner_loses() -> None:
    issued = issue(role=Role.ADMIN)
    owner = issued.token.account
    owner.role, owner.topic_scopes = Role.VIEWER, ["a"]
    owner.save()

    actor = bearer(issued.secret)

    assert actor is not None
    assert actor.role is Role.VIEWER
    assert not actor.scopes.allows("b")


def test_an_expired_token_is_refused() -> None:
    issued = issue()
    later = clock.SYSTEM.now() + DAY

    assert queries.valid_token(issued.secret, now=later - timedelta(seconds=5)) is not None
    assert queries.valid_token(issued.secret, now=later) is None


def test_a_revoked_token_is_refused_and_its_name_is_free_again() -> None:
    issued = issue()
    now = clock.SYSTEM.now()

    assert operations.revoke_token(token_id=issued.token.pk, now=now)
    assert not operations.revoke_token(token_id=issued.token.pk, now=now)
    assert bearer(issued.secret) is None
    operations.issue_token(account=issued.token.account, name="ci", life=DAY, now=now)


def test_the_token_of_a_disabled_account_is_refused() -> None:
    issued = issue()
    user = issued.token.account.user
    user.is_active = False
    user.save()

    assert bearer(issued.secret) is None


@pytest.mark.parametrize("secret", ["", "mst_", "mst_wrong", "nonsense", "mst_" + "a" * 10_000, "mst_\xff", "a b c"])
def test_anything_else_is_refused(secret: str) -> None:
    issue()

    assert bearer(secret) is None


def test_two_tokens_of_one_name_are_refused() -> None:
    issued = issue()

    with pytest.raises(operations.BadToken, match="already a token"):
        operations.issue_token(account=issued.token.account, name="ci", life=DAY, now=clock.SYSTEM.now())


@pytest.mark.parametrize("name", ["", "a" * 81, "a\x00b", "a\nb", "a\u202eb"])
def test_a_name_nobody_can_read_is_refused(name: str) -> None:
    with pytest.raises(operations.BadToken, match="name"):
        operations.issue_token(account=account(), name=name, life=DAY, now=clock.SYSTEM.now())


@pytest.mark.parametrize("life", [timedelta(0), -DAY, timedelta(days=3651)])
def test_a_life_without_measure_is_refused(life: timedelta) -> None:
    with pytest.raises(operations.BadToken, match="lives"):
        issue(life=life)


def test_use_is_noted_once_a_minute() -> None:
    issued = issue()
    start = clock.SYSTEM.now()
    for seconds in (0, 10, 59, 60):
        token = queries.valid_token(issued.secret, now=start)
        assert token is not None
        operations.note_use(token=token, now=start + timedelta(seconds=seconds))
        noted = ApiToken.objects.get().last_used_at
        assert noted == start + timedelta(seconds=60 if seconds == 60 else 0)


def test_a_bearer_token_needs_no_csrf_token_and_a_session_does() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(account(name="bo").user)
    request = RequestFactory().post("/api/v1/discards")
    request.COOKIES = {name: morsel.value for name, morsel in client.cookies.items()}
    request.user = account(name="cy").user

    with pytest.raises(Exception, match="CSRF"):
        api.session(request)


def test_a_session_answers_reads_without_csrf_token() -> None:
    client = Client()
    client.force_login(account().user)
    request = RequestFactory().get("/api/v1/activity")
    request.COOKIES = {name: morsel.value for name, morsel in client.cookies.items()}
    request.user = account(name="cy").user

    actor = api.session(request)

    assert actor is not None
    assert actor.name == "cy"


def test_a_wrong_bearer_token_is_not_saved_by_a_session() -> None:
    client = Client()
    client.force_login(account().user)
    request = RequestFactory().get("/", headers={"Authorization": "Bearer mst_wrong"})
    request.COOKIES = {name: morsel.value for name, morsel in client.cookies.items()}

    assert api.session(request) is None


def again(actor: Actor, *, after: timedelta = timedelta(0)) -> Actor:
    now = clock.SYSTEM.now() + after
    return queries.actor_again(kind=actor.kind, name=actor.name, account=actor.account, now=now)


def test_what_was_begun_goes_on_with_the_rights_of_the_moment() -> None:
    begun = bearer(issue(token_topics=("orders*",)).secret)
    assert begun is not None
    assert again(begun) == begun

    Account.objects.update(role=Role.VIEWER)

    assert again(begun).role is Role.VIEWER
    user = Actor(kind="user", name="ana", role=Role.OPERATOR, account="ana")
    assert again(user).role is Role.VIEWER
    cli = queries.cli_actor("ana")
    assert again(cli) == cli


def test_what_was_begun_ends_with_its_token_and_with_its_account() -> None:
    issued = issue()
    begun = bearer(issued.secret)
    assert begun is not None
    with pytest.raises(queries.NoSuchToken, match="revoked, or its time is over"):
        again(begun, after=2 * DAY)
    operations.revoke_token(token_id=issued.token.pk, now=clock.SYSTEM.now())
    with pytest.raises(queries.NoSuchToken):
        again(begun)

    issued.token.account.user.is_active = False
    issued.token.account.user.save()

    with pytest.raises(queries.NoSuchAccount):
        again(begun)


def test_nobody_and_the_console_itself_go_on_as_what_they_are() -> None:
    assert again(system_actor("sweep")) == system_actor("sweep")
    assert again(policy_actor("rule")) == policy_actor("rule")
    with pytest.raises(queries.NoSuchAccount):
        again(ANONYMOUS)
