"""One table of rights, one function that says no."""

from __future__ import annotations

import re

import pytest

from reliability.access import ANONYMOUS, RIGHTS, Denied, NotSignedIn, Role, UnknownAct, authorize, may
from reliability.access.domain.actors import policy_actor, system_actor
from reliability.access.domain.authorization import admit
from reliability.access.domain.rights import matrix
from tests.support.actors import actor


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("right", RIGHTS.values(), ids=lambda right: right.act)
def test_each_cell_of_the_matrix_is_what_authorize_does(role: Role, right) -> None:
    allowed = next(cells for act, _, cells in matrix() if act == right.act)[role]

    assert may(actor(role), right.act) == allowed


def test_a_viewer_may_look_and_nothing_else() -> None:
    looks = {act for act in RIGHTS if may(actor(Role.VIEWER), act)}

    assert looks == {act for act in RIGHTS if act.endswith(".view") and act != "accounts.view"} | {
        "tokens.own",
        "tokens.grant",
        "accounts.factor",
        "sessions.own",
        "accounts.password",
        "degradation.evaluate",
    }


def test_an_operator_changes_no_setting_and_no_account() -> None:
    for act in ("settings.edit", "tokens.manage", "accounts.manage", "letters.quarantine", "outbox.discard"):
        with pytest.raises(Denied, match="takes the role admin; ana has the role operator"):
            authorize(actor(Role.OPERATOR), act)


@pytest.mark.parametrize("act", RIGHTS)
def test_nobody_signed_in_and_nobody_without_a_role_may_do_anything(act: str) -> None:
    with pytest.raises(NotSignedIn):
        authorize(ANONYMOUS, act)
    with pytest.raises(Denied, match="no role"):
        authorize(actor(None), act)


@pytest.mark.parametrize("act", ["letters.destroy", "", "letters", "letters.view ", "LETTERS.VIEW"])
def test_an_act_nobody_listed_is_refused_to_everybody(act: str) -> None:
    with pytest.raises(UnknownAct):
        authorize(system_actor("sweep"), act)


def test_every_topic_of_an_act_must_be_in_scope() -> None:
    limited = actor(topics=("orders.*",))

    authorize(limited, "letters.replay", topics=["orders.a", "orders.b"])
    with pytest.raises(Denied, match="1 of 2 topics"):
        authorize(limited, "letters.replay", topics=["orders.a", "payments"])


def test_a_refusal_never_names_a_hidden_topic() -> None:
    with pytest.raises(Denied) as refusal:
        authorize(actor(topics=("orders.*",)), "letters.replay", topics=["merger-secret"])

    assert "merger" not in str(refusal.value)


def test_an_act_bounded_by_topics_is_refused_when_its_topics_are_not_known() -> None:
    limited = actor(topics=("orders.*",))

    with pytest.raises(Denied, match="without a topic"):
        authorize(limited, "letters.replay")
    admit(limited, "letters.replay")  # the page's door asks for the role alone
    authorize(limited, "overview.view")
    authorize(actor(topics=("*",)), "letters.replay")


@pytest.mark.parametrize("act", ["outbox.pause", "outbox.resume", "outbox.accept_database"])
def test_an_act_on_all_topics_at_once_takes_an_account_that_sees_all(act: str) -> None:
    for topics in ((), ("orders.a",)):
        with pytest.raises(Denied, match="an account that may see every topic; ana has limited scopes"):
            authorize(actor(Role.ADMIN, topics=("orders.*",)), act, topics=topics)
    authorize(actor(Role.ADMIN), act)


def test_the_system_may_everything_and_a_policy_what_an_operator_may() -> None:
    assert all(may(system_actor("sweep"), act) for act in RIGHTS)
    assert {act for act in RIGHTS if may(policy_actor("guard"), act)} == {act for act in RIGHTS if may(actor(), act)}


def test_every_act_is_a_room_and_a_verb_and_says_what_it_does() -> None:
    for right in RIGHTS.values():
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", right.act)
        assert right.does
        assert not (right.needs_reason and right.role is Role.VIEWER)


def test_roles_grow() -> None:
    assert Role.ADMIN.covers(Role.OPERATOR)
    assert not Role.VIEWER.covers(Role.OPERATOR)
    assert Role.lesser(Role.ADMIN, Role.VIEWER) is Role.VIEWER
