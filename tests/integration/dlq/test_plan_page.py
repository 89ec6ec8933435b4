"""The page of a plan that is no longer what it was: approved, or its letters taken by another run."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.test import Client

from dlq.domain.scope import Scope
from dlq.models import Letter, Replay, ReplayPlan
from dlq.operations import plans
from dlq.queries import arrivals
from reliability.access import Role
from reliability.kernel import clock
from tests.support.actors import account, actor
from tests.support.letters import record, store
from tests.support.replays import World


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(account(Role.OPERATOR, name="bo").user)
    return client


def drawn(world: World, letters: list[Letter]) -> ReplayPlan:
    """A plan that is still good now: pages go by the real clock."""
    scope = Scope(ids=tuple(letter.pk for letter in letters))
    return plans.draw(scope=scope, terms=plans.terms(), actor=world.operator, now=clock.SYSTEM.now())


def shown(client: Client, plan: ReplayPlan) -> str:
    return client.get(f"/replays/plans/{plan.pk}/").content.decode()


def approve(client: Client, plan: ReplayPlan, reason: str = "provider is back") -> str:
    """What the operator sees after pressing the button."""
    sent = {"plan": plan.pk, "hash": plan.hash, "reason": reason}
    came_from = f"http://testserver/replays/plans/{plan.pk}/"
    return client.post("/replays/", sent, follow=True, headers={"Referer": came_from}).content.decode()


def test_a_plan_that_can_be_approved_says_what_would_be_sent(world: World, client: Client) -> None:
    page = shown(client, drawn(world, world.letters(3)))
    assert "<b>3</b>" in page
    assert "Replay 3 letters</button>" in page
    assert "Before you approve" in page
    assert "good until" in page


def test_a_plan_says_whether_its_failure_goes_on(world: World, client: Client) -> None:
    now = clock.SYSTEM.now()
    store(record(1), record(2), now=now - timedelta(minutes=5))
    plan = drawn(world, list(Letter.objects.order_by("pk")))
    page = shown(client, plan)
    assert "No new letter of this failure in the last minute" in page
    assert "The cause may still be there" not in page
    store(record(3), record(4), now=now)
    page = shown(client, plan)
    assert "The cause may still be there: <strong>2</strong> new letters of this failure in the last minute" in page
    store(record(5, origin_topic="secret"), now=now)
    assert arrivals.of_groups([Letter.objects.latest("pk").group_id], actor=world.operator, now=now).count == 3
    limited = actor(Role.OPERATOR, topics=("orders",))
    assert arrivals.of_groups([Letter.objects.latest("pk").group_id], actor=limited, now=now).count == 2


def test_what_is_the_same_for_every_letter_of_a_plan_is_a_line_and_no_table(world: World, client: Client) -> None:
    letters = world.letters(2)
    page = shown(client, drawn(world, letters))
    assert "<dt>To topic</dt>" in page
    assert "<table" not in page
    other = world.letters(1, start=9, error_type="KeyError")
    page = shown(client, drawn(world, [*letters, *other]))
    assert page.count("<table") == 1


@pytest.mark.parametrize("kind", ["origin", "group", "topic"])
def test_only_a_plan_of_the_letters_own_topic_says_who_handles_them(world: World, client: Client, kind: str) -> None:
    world.create("elsewhere", partitions=1)
    scope = Scope(ids=tuple(letter.pk for letter in world.letters(2)))
    terms = plans.terms(target={"kind": kind, "topic": "elsewhere"})
    plan = plans.draw(scope=scope, terms=terms, actor=world.operator, now=clock.SYSTEM.now())
    page = shown(client, plan)
    assert ("Handled by" in page, "billing" in page) == ((False, False) if kind == "topic" else (True, True))
    assert ("they stay sent until you choose the group" in page) == (kind == "topic")
    assert "will tell what became of each" not in page


def test_a_plan_whose_letters_another_run_took_names_the_run_and_offers_nothing(world: World, client: Client) -> None:
    letters = world.letters(3)
    plan = drawn(world, letters)
    run = world.approve(*letters)
    page = shown(client, plan)
    assert f'<a href="/replays/{run.pk}/">Replay #{run.pk}</a> by {run.actor} holds these' in page
    assert "<b>0</b>" in page
    assert "letters</button>" not in page
    assert "What can be checked is right" not in page
    assert "good until" not in page


def test_the_reason_of_a_refused_approval_is_kept(world: World, client: Client) -> None:
    letters = world.letters(2)
    plan = drawn(world, letters)
    world.approve(*letters)
    page = approve(client, plan, "the provider called back")
    assert ">the provider called back</textarea>" in page
    assert Replay.objects.count() == 1


def test_of_a_plan_whose_letters_are_partly_taken_the_free_ones_are_counted(world: World, client: Client) -> None:
    letters = world.letters(4)
    plan = drawn(world, letters)
    run = world.approve(letters[0])
    page = shown(client, plan)
    assert "Replay 3 letters</button>" in page
    assert f"Replay #{run.pk}</a> by {run.actor} holds 1." in page


def test_an_approved_plan_leads_to_its_run_and_has_no_form(world: World, client: Client) -> None:
    plan = drawn(world, world.letters(2))
    approve(client, plan)
    run = Replay.objects.get()
    page = shown(client, plan)
    assert f'This plan was approved: <a href="/replays/{run.pk}/">Replay #{run.pk}</a>' in page
    for gone in ("would be sent", "Before you approve", "good until", 'name="reason"', "What can be checked is right"):
        assert gone not in page


def test_approving_a_plan_again_says_that_nothing_was_started(world: World, client: Client) -> None:
    plan = drawn(world, world.letters(2))
    approve(client, plan)
    page = approve(client, plan, "again")
    assert "This plan was approved before, by bo at " in page
    assert "your approval started nothing" in page
    assert Replay.objects.count() == 1


def malformed(world: World, count: int, *, start: int = 0) -> list[Letter]:
    return world.letters(count, start=start, error_type="shop.MalformedEvent", error_message="not JSON")


def test_a_plan_of_bytes_that_nobody_could_read_says_so_and_does_not_press_to_send_them(
    world: World, client: Client
) -> None:
    letters = malformed(world, 2)
    page = shown(client, drawn(world, letters))
    assert "Nobody could read these bytes: they are sent as they are stored and will fail again" in page
    assert "What can be checked is right" not in page
    assert "<button>Replay 2 letters</button>" in page
    assert f'href="/letters/groups/{letters[0].group_id}/">Back</a>' in page
    found = re.search(r'href="(/discards/new/[^"]*)" data-dialog>Discard…</a>', page)
    assert found
    assert "Discard 2 letters?" in client.get(html.unescape(found[1])).content.decode()


def test_among_others_the_unreadable_ones_are_counted_and_the_rest_goes_on(world: World, client: Client) -> None:
    letters = [*world.letters(3), *malformed(world, 2, start=10)]
    page = shown(client, drawn(world, letters))
    assert "Of <strong>2</strong> nobody could read the bytes" in page
    assert "What can be checked is right" not in page
    assert '<button class="primary">Replay 5 letters</button>' in page


def test_a_plan_of_an_empty_scope_says_that_it_is_empty_and_of_no_reasons(world: World, client: Client) -> None:
    world.letters(1)
    scope = Scope(filter="key:nobody")
    plan = plans.draw(scope=scope, terms=plans.terms(), actor=world.operator, now=clock.SYSTEM.now())
    page = shown(client, plan)
    assert "This scope is empty" in page
    assert "left out; the reasons" not in page


def test_where_every_letter_is_left_out_the_reasons_stand_where_the_page_says(world: World, client: Client) -> None:
    letters = world.letters(1)
    world.approve(*letters)
    page = shown(client, drawn(world, letters))
    assert page.index("the reasons stand below") < page.index("<h2>Left out</h2>")
