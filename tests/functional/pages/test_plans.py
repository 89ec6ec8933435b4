"""An open plan notices that another run took its letters, and loses nothing that was typed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dlq.models import Replay
from tests.functional.conftest import Visits
from tests.functional.keys import press
from tests.support.replays import World

pytestmark = pytest.mark.browser


def test_the_reason_is_one_key_away_and_what_is_typed_there_stays_typed(visits: Visits, world: World) -> None:
    letters = world.letters(3)
    page = visits.open("ana", path=f"/letters/groups/{letters[0].group_id}/")
    page.get_by_role("button", name="Plan a replay of 3").click()
    reason = page.get_by_label("Reason")
    expect(reason).not_to_be_focused()
    press(page, "r")
    expect(reason).to_be_focused()
    page.keyboard.type("r is back")
    expect(reason).to_have_value("r is back")
    expect(page.locator("#help")).to_contain_text("On a plan: to its reason")


def test_an_open_plan_notices_that_its_letters_were_taken(visits: Visits, world: World) -> None:
    letters = world.letters(3)
    page = visits.open("ana", path="/letters/")
    page.goto(f"/letters/groups/{letters[0].group_id}/")
    page.get_by_role("button", name="Plan a replay of 3").click()
    expect(page.locator("#live")).to_have_text(re.compile("^Live"))
    page.get_by_label("Reason").fill("typed with care")  # and it keeps the focus
    world.approve(*letters)
    run = Replay.objects.get()
    expect(page.locator("#plan")).to_contain_text(f"Replay #{run.pk} by ana holds these")
    expect(page.get_by_role("button", name="Replay 3 letters")).to_have_count(0)
    expect(page.locator("#reason")).to_have_value("typed with care")
