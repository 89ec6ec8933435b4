"""The drawer of a failure group: acts on the group apart from acts on a letter; nothing to do said as nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from dlq.domain.scope import Scope
from dlq.models import Discard, Letter, LetterGroup
from dlq.operations import discards
from tests.functional.conftest import Visits
from tests.support.replays import World

pytestmark = pytest.mark.browser


def test_the_group_and_the_letter_are_discarded_by_buttons_that_say_which(visits: Visits, world: World) -> None:
    world.letters(4)
    group = LetterGroup.objects.get()
    page = visits.open("ana", path=f"/letters/groups/{group.pk}/")
    dialog = page.locator("#dialog")
    page.get_by_role("link", name="Discard this letter…").click()
    expect(dialog).to_contain_text("Discard 1 letter?")
    dialog.get_by_label("Reason").fill("a test order")
    dialog.get_by_role("button", name="Discard 1 letter").click()
    expect(page.locator(".message")).to_contain_text("1 letter discarded")
    page.get_by_role("link", name="Discard the whole group (3)…").click()
    expect(dialog).to_contain_text("Discard 3 letters?")
    expect(dialog).to_contain_text("The whole group")
    expect(dialog).to_contain_text(group.title)
    dialog.get_by_label("Reason").fill("a load test")
    dialog.get_by_role("button", name="Discard 3 letters").click()
    expect(page.locator(".message")).to_contain_text("3 letters discarded")
    scope = list(Discard.objects.order_by("pk").values_list("scope", flat=True))[1]
    assert scope["group"] == group.pk
    assert scope["up_to"] >= 1, "no letter that came after the dialog was opened"
    assert Letter.objects.filter(state="discarded").count() == 4


def test_no_button_in_the_drawer_leaves_open_what_it_discards(visits: Visits, world: World) -> None:
    world.letters(2)
    page = visits.open("ana", path=f"/letters/groups/{LetterGroup.objects.get().pk}/")
    buttons = page.locator("#drawer .danger")
    expect(buttons).to_have_text(["Discard the whole group (2)…", "Discard this letter…"])
    page.goto(f"/letters/{Letter.objects.latest('pk').pk}/")
    expect(page.locator("#letter .danger")).to_have_text(["Discard this letter…"])


def test_a_group_in_which_nothing_is_open_says_how_it_ended_and_advises_nothing(visits: Visits, world: World) -> None:
    letters = world.letters(5)
    group = LetterGroup.objects.get()
    run = world.approve(*letters[:3])
    page = visits.open("ana", path=f"/letters/groups/{group.pk}/")
    expect(page.locator("#drawer")).to_contain_text("once it is back, replay the group")
    left = Scope(ids=(letters[3].pk, letters[4].pk))
    made = discards.discard(scope=left, reason="a load test", actor=world.operator, now=world.now)
    ending = page.locator("#drawer .ending")
    expect(ending).to_contain_text("Nothing is open: the rest is being replayed: 2 discarded")
    Letter.objects.filter(pk__in=[letter.pk for letter in letters[:3]]).update(state="resolved")
    LetterGroup.objects.update(replaying_count=0)
    page.reload()
    expect(ending).to_contain_text("Nothing is left to do here: 3 resolved, 2 discarded.")
    expect(ending.get_by_role("link", name=f"replay #{run.pk}")).to_have_attribute("href", f"/replays/{run.pk}/")
    expect(ending).to_contain_text("a load test")
    expect(ending.get_by_role("link", name=f"#{made.pk}", exact=True)).to_be_visible()
    drawer = page.locator("#drawer")
    expect(drawer).not_to_contain_text("replay the group")
    expect(drawer.locator("footer")).to_have_count(0)
    expect(drawer.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 390])
def test_the_name_of_a_failure_is_read_to_its_end_beside_the_drawer(visits: Visits, world: World, width: int) -> None:
    world.letters(2, error_type="java.lang.NumberFormatException")
    LetterGroup.objects.update(title="NumberFormatException in Invoices.parseDecimalAmount")
    page = visits.open("ana", path="/letters/", width=width)
    name = page.locator("#groups td.clip strong")
    expect(name).to_have_text(LetterGroup.objects.get().title)
    cut = name.evaluate("e => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1")
    assert not cut
