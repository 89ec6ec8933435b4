"""What the pages of plans and runs say: failed canaries, the rule for stopping, names, reasons to their end."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from dlq.domain.scope import Scope
from dlq.models import LetterGroup, Replay
from dlq.operations import outcomes, plans, replays
from outbox.domain import message
from outbox.models import Inbox
from tests.functional.conftest import Visits
from tests.support.replays import GROUP, World

pytestmark = pytest.mark.browser

RULE = (
    "stops by itself when 5 or more failed again or were refused, and they are more than 20 % of those with an outcome"
)
REASON = "the provider confirmed its recovery; support asked for the oldest orders first, then for the others " * 4
TIMEOUT = "PaymentTimeout: no answer for order <n>"


def outcome(world: World, run: Replay, states: list[str]) -> None:
    """What the consumer notes of the items, in their order."""
    for item, state in zip(run.items.order_by("position"), states, strict=True):
        Inbox.objects.create(
            digest=message.digest(GROUP, item.message_id), state=state, attempt=item.attempt, at=world.now
        )
    for _ in range(3):
        world.advance(120)
        outcomes.settle_sent(now=world.now)
        outcomes.settle_late(now=world.now)


def run_of_group(world: World, reason: str = REASON) -> Replay:
    group = LetterGroup.objects.get()
    plan = plans.draw(scope=Scope(group=group.pk), terms=plans.terms(), actor=world.operator, now=world.now)
    return replays.approve(
        plan_id=plan.pk, plan_hash=plan.hash, reason=reason, actor=world.operator, now=world.now
    ).replay


def is_whole(page: Page, selector: str) -> bool:
    """Whether nothing of these elements' text is cut away."""
    cut = "es => es.every(e => e.scrollWidth <= e.clientWidth + 1 && getComputedStyle(e).textOverflow !== 'ellipsis')"
    return bool(page.locator(selector).evaluate_all(cut)) and page.locator(selector).count() > 0


@pytest.mark.parametrize("width", [1440, 390])
def test_a_canary_that_failed_looks_failed_and_the_rule_is_said(visits: Visits, world: World, width: int) -> None:
    world.letters(8)
    run = run_of_group(world)
    world.send_all(run)
    outcome(world, run, ["done", "done", "gave_up", "done", "gave_up", "done", "done", "done"])
    page = visits.open("ana", path=f"/replays/{run.pk}/", width=width)
    steps = page.locator("#run .ramp li")
    expect(steps).to_have_text(["11 confirmed", "53 confirmed, 2 failed again", "22 confirmed"])
    expect(steps.nth(0)).to_have_class("done")
    expect(steps.nth(1)).to_have_class("failed")
    expect(steps.nth(1).locator("use")).to_have_attribute("href", "#s-crit")
    colour = "e => getComputedStyle(e).color"
    assert steps.nth(1).evaluate(colour) == page.locator("#run .status.crit").first.evaluate(colour)
    expect(page.locator("#run")).to_contain_text(RULE)


def test_the_rule_is_said_where_a_run_is_planned_and_while_it_goes(visits: Visits, world: World) -> None:
    world.letters(8)
    group = LetterGroup.objects.get()
    page = visits.open("ana", path=f"/replays/plan/?group={group.pk}")
    expect(page.get_by_text("fail again, and at least 5")).to_be_visible()
    page.get_by_role("button", name="Dry run").click()
    expect(page.locator("dl.facts").last).to_contain_text(RULE)
    expect(page.locator("dl.facts").last).to_contain_text("1, 5, 20, 100, then 100/s")
    run = run_of_group(world)
    page.goto(f"/replays/{run.pk}/")
    expect(page.locator("#run")).to_contain_text("No outcome is known yet.")


def test_a_dry_run_shows_nothing_in_motion(visits: Visits, world: World) -> None:
    world.letters(2)
    page = visits.open("ana", path=f"/letters/groups/{LetterGroup.objects.get().pk}/")
    page.get_by_role("button", name="Plan a replay of 2").click()
    chip = page.locator(".head .status")
    expect(chip).to_have_text("Dry run: nothing is sent")
    expect(chip).to_have_class(re.compile(r"\bpaused\b"))
    expect(page.locator("main use[href='#s-prog']")).to_have_count(0)


def test_replays_are_called_by_the_failure_that_they_replay(visits: Visits, world: World) -> None:
    world.letters(2)
    group = LetterGroup.objects.get()
    run = run_of_group(world, "fixed")
    page = visits.open("ana", path="/replays/")
    for address in ("/replays/", f"/replays/{run.pk}/", f"/replays/plans/{run.plan_id}/"):
        page.goto(address)
        link = page.locator("main").get_by_role("link", name=TIMEOUT).first
        expect(link).to_have_attribute("href", f"/letters/groups/{group.pk}/")
        shown = " ".join(page.locator("main .head, main dl.facts, #rows").all_inner_texts())
        assert not re.search(r"\bgroup \d", shown)
    page.goto("/replays/")
    page.get_by_role("link", name=TIMEOUT).click()
    expect(page.locator("#drawer h2")).to_have_text(TIMEOUT)
    page.goto("/replays/")
    page.locator("#rows tr").last.locator("td").last.click(force=True)  # the row is covered by its link
    expect(page).to_have_url(re.compile(f"/replays/{run.pk}/$"))


@pytest.mark.parametrize("width", [1440, 390])
def test_reasons_are_read_to_their_end(visits: Visits, world: World, width: int) -> None:
    world.letters(2)
    run = run_of_group(world)
    world.send_all(run)
    why = "the consumer gave it up again: " + "no answer from the provider, " * 12
    run.items.update(state="failed_again", proof=why)
    page = visits.open("ana", path=f"/replays/{run.pk}/", width=width)
    expect(page.locator("#run dl.facts")).to_contain_text(REASON.strip())
    expect(page.locator("#items tbody tr").first).to_contain_text(why.strip())
    assert is_whole(page, "#run dl.facts dd, #items td.whole, #items td.whole span")
    page.goto("/replays/")
    expect(page.locator("#rows tbody tr")).to_contain_text(REASON.strip())
    assert is_whole(page, "#rows td.whole, #rows td.whole small")
    page.goto("/activity/")
    expect(page.locator("#entries tbody tr").first).to_contain_text(REASON.strip())
    assert is_whole(page, "#entries td.whole")
