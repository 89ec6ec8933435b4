"""A replay in the browser: plan, approve, watch, and what only some may do."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from dlq.models import Discard, Letter, LetterGroup, Replay
from dlq.operations import outcomes
from outbox.domain import message
from outbox.models import Inbox
from reliability.audit.models import Entry
from tests.functional.conftest import Visits
from tests.support.replays import GROUP, World

pytestmark = pytest.mark.browser


def process_all(world: World, run: Replay) -> None:
    """What the consumer does with what was sent: it handles each message and notes it in its inbox."""
    for item in run.items.filter(state="sent"):
        Inbox.objects.create(
            digest=message.digest(GROUP, item.message_id), state="done", attempt=item.attempt, at=world.now
        )
    world.advance(1)
    outcomes.settle_sent(now=world.now)


def plan_and_approve(page: Page, reason: str = "provider is back") -> Replay:
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name=re.compile(r"^Replay \d+ letters?$")).click()
    expect(page).to_have_url(re.compile(r"/replays/\d+/$"))
    return Replay.objects.latest("pk")


def test_a_group_is_replayed_and_seen_to_be_processed(visits: Visits, world: World) -> None:
    world.letters(30)
    group = LetterGroup.objects.get()
    page = visits.open("ana", path=f"/letters/groups/{group.pk}/")
    page.get_by_role("button", name="Plan a replay of 30").click()
    expect(page.get_by_text("Dry run: nothing is sent")).to_be_visible()
    assert not Replay.objects.exists()
    run = plan_and_approve(page)
    expect(page.locator("#run .figure").filter(has_text="not sent yet").locator("b")).to_have_text("30")
    world.send_all(run)
    expect(page.locator("#run .figure").filter(has_text="outcome to come").locator("b")).to_have_text("30")
    process_all(world, run)
    expect(page.locator("#run .figure").filter(has_text="confirmed processed").locator("b")).to_have_text("30")
    expect(page.locator("#run .head .status")).to_have_text("Finished")
    expect(page.locator("#items .status").first).to_have_text("Confirmed")
    entry = Entry.objects.get(act="letters.replay", outcome="done")
    assert (entry.actor_name, entry.reason, entry.target) == ("ana", "provider is back", f"replay:{run.pk}")
    page.goto("/letters/")
    expect(page.get_by_text("No dead letters")).to_be_visible()


def test_a_run_is_paused_resumed_and_stopped_for_good(visits: Visits, world: World) -> None:
    run = world.approve(*world.letters(10))
    page = visits.open("ana", path=f"/replays/{run.pk}/")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#run .head .status")).to_have_text("Paused")
    expect(page.locator(".message")).to_contain_text("Nothing is on its way")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#run .head .status")).to_contain_text("Running")
    page.get_by_role("link", name="Stop…").click()
    expect(page.locator("#dialog")).to_contain_text("10 not sent yet are taken back")
    page.get_by_role("button", name="Stop it for good").click()
    expect(page.locator("#run .head .status")).to_have_text("Cancelled")
    assert Letter.objects.filter(state="open").count() == 10


def test_what_failed_again_alone_can_be_planned_again(visits: Visits, world: World) -> None:
    run = world.approve(*world.letters(6))
    world.send_all(run)
    for item in run.items.all()[:2]:
        Inbox.objects.create(
            digest=message.digest(GROUP, item.message_id), state="gave_up", attempt=item.attempt, at=world.now
        )
    for item in run.items.all()[2:]:
        Inbox.objects.create(
            digest=message.digest(GROUP, item.message_id), state="done", attempt=item.attempt, at=world.now
        )
    for _ in range(3):
        world.advance(120)
        outcomes.settle_sent(now=world.now)
        outcomes.settle_late(now=world.now)
    page = visits.open("ana", path=f"/replays/{run.pk}/")
    page.get_by_role("button", name=re.compile("Retry only what failed")).click()
    expect(page.get_by_role("button", name="Replay 2 letters")).to_be_visible()


def test_a_viewer_sees_no_acts_and_is_refused_all_the_same(visits: Visits, world: World) -> None:
    run = world.approve(*world.letters(4))
    world.letters(2, start=20, error_type="shop.errors.OtherError", error_message="else")
    group = LetterGroup.objects.order_by("-pk").first()
    assert group is not None
    page = visits.open("vito", path=f"/letters/groups/{group.pk}/")
    expect(page.locator("#groups input[data-row]")).to_have_count(0)
    expect(page.locator("main button[class*=primary], main .selection")).to_have_count(0)
    page.goto(f"/replays/{run.pk}/")
    expect(page.locator("main form[method=post]")).to_have_count(0)
    token = page.context.request.get("/").text().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    for address, sent in (
        ("/replays/plans/", {"group": str(group.pk)}),
        ("/replays/", {"plan": str(run.plan_id), "hash": run.plan_hash, "reason": "x"}),
        (f"/replays/{run.pk}/pause/", {}),
        (f"/replays/{run.pk}/cancellation/", {}),
        ("/discards/", {"group": str(group.pk), "reason": "x"}),
    ):
        answer = page.request.post(
            address, form={**sent, "csrfmiddlewaretoken": token}, headers={"Referer": visits.server}
        )
        assert answer.status == 403, address
        assert "takes the role operator" in answer.text()
    refused = set(Entry.objects.filter(actor_name="vito", outcome="refused").values_list("act", flat=True))
    assert refused >= {"letters.replay", "letters.replay_pause", "letters.replay_cancel", "letters.discard"}
    run.refresh_from_db()
    assert run.state == "running"


def test_a_post_without_its_token_is_refused(visits: Visits, world: World) -> None:
    run = world.approve(*world.letters(2))
    page = visits.open("ana")
    assert page.request.post(f"/replays/{run.pk}/pause/", form={}).status == 403
    run.refresh_from_db()
    assert run.state == "running"


def test_letters_are_discarded_with_a_reason_and_brought_back(visits: Visits, world: World) -> None:
    world.letters(5)
    page = visits.open("ana", path="/letters/all/")
    for at in (0, 1):
        page.locator("#letters input[data-row]").nth(at).check()
    expect(page.locator(".selection [data-counted]")).to_have_text("2 of 5 selected")
    page.get_by_role("button", name="Discard…").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text("Discard 2 letters?")
    dialog.get_by_label("Reason").fill("test orders of an exercise")
    dialog.get_by_role("button", name="Discard 2 letters").click()
    expect(page.locator(".message")).to_contain_text("2 letters discarded")
    assert Letter.objects.filter(state="discarded").count() == 2
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".message")).to_contain_text("Undone")
    assert Letter.objects.filter(state="open").count() == 5
    assert Discard.objects.get().undone_by == "ana"


def test_the_whole_way_works_without_javascript(visits: Visits, world: World) -> None:
    world.letters(4)
    page = visits.open("ana", path="/letters/", script=False)
    page.locator("#groups input[data-row]").first.check()
    page.get_by_role("button", name=re.compile("^Plan a replay")).first.click()
    run = plan_and_approve(page)
    world.send_all(run)
    process_all(world, run)
    page.reload()
    expect(page.locator("#run .figure").filter(has_text="confirmed processed").locator("b")).to_have_text("4")
    page.goto("/letters/all/?q=state:resolved")
    expect(page.locator("#letters [data-row-id]")).to_have_count(4)
    world.letters(3, start=40)
    page.goto("/letters/all/?q=state:open")
    page.locator("#letters input[data-row]").first.check()
    page.get_by_role("button", name="Discard…").click()
    page.get_by_label("Reason").fill("by hand")
    page.get_by_role("button", name="Discard 1 letter").click()
    expect(page.locator(".message")).to_contain_text("1 letter discarded")


def test_two_plans_of_one_group_and_the_second_has_nothing_left(
    visits: Visits, world: World, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    world.letters(3)
    group = LetterGroup.objects.get()
    one = visits.open("ana", path=f"/letters/groups/{group.pk}/")
    two = visits.open("ada", path=f"/letters/groups/{group.pk}/")
    for page in (one, two):
        page.get_by_role("button", name="Plan a replay of 3").click()
        expect(page.get_by_role("button", name="Replay 3 letters")).to_be_visible()
    plan_and_approve(one)
    expect(two.locator("main")).to_contain_text("by ana holds these")
    expect(two.get_by_role("button", name=re.compile("^Replay"))).to_have_count(0)
    eventually(lambda: Replay.objects.count() == 1)
