"""Dead letters in the browser: they appear by themselves, are read without moving, are hostile without harm."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect

from dlq.models import Letter, LetterGroup
from reliability.kernel.record import Header
from tests.functional.conftest import Visits
from tests.functional.keys import press
from tests.support import letters
from tests.support.replays import World

pytestmark = pytest.mark.browser

HOSTILE = (
    "\"><script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"
    '<b hx-get="/settings/" hx-trigger="load" hx-on:load="document.title=1" data-hx-get="/x">'
    "<svg onload=document.title=1>"
    "<a href=\"javascript:document.title='ran'\">go</a>{{ 7|add:7 }}{% now 'Y' %}\u202e\x00"
)


def rows(page: Page, region: str) -> list[str]:
    return [str(text) for text in page.locator(f"{region} [data-row-id]").evaluate_all("rows => rows.map(r => r.id)")]


def test_the_page_fills_by_itself(visits: Visits, world: World) -> None:
    page = visits.open("ana", path="/letters/")
    expect(page.get_by_text("No dead letters")).to_be_visible()
    expect(page.locator("#live")).to_have_text(re.compile("^Live"))
    world.letters(3)
    row = page.locator("#groups [data-row-id]")
    expect(row).to_have_count(1)
    expect(row.locator("td.num")).to_have_text("3")
    dead_letters = page.locator(".rail a", has_text="Dead letters")
    expect(dead_letters.locator(".count")).to_have_text(re.compile("^1"))
    expect(page).to_have_title(re.compile(r"^\(\d+!\) Dead letters"))


def test_rows_stand_still_while_one_is_selected_and_news_wait(visits: Visits, world: World) -> None:
    world.letters(2)
    page = visits.open("ana", path="/letters/")
    page.locator("#groups input[data-row]").check()
    expect(page.locator(".selection [data-counted]")).to_have_text("2 letters of 1 group selected")
    before = rows(page, "#groups")
    world.letters(5, start=50, error_type="shop.errors.OtherError", error_message="something else")
    fresh = page.locator("#groups > .fresh")
    expect(fresh).to_have_text("1 change · show")
    assert rows(page, "#groups") == before
    fresh.click()
    expect(page.locator("#groups [data-row-id]")).to_have_count(2)
    expect(page.locator("#groups input[data-row]:checked")).to_have_count(1)


def test_rows_stand_still_under_a_hand_that_rests_and_columns_keep_their_places(visits: Visits, world: World) -> None:
    world.letters(2)
    page = visits.open("ana", path="/letters/")
    page.locator("#groups [data-row-id]").hover()
    heads = "ths => ths.map(th => Math.round(th.getBoundingClientRect().x))"
    places = page.locator("#groups th").evaluate_all(heads)
    page.wait_for_timeout(4_500)  # longer than a hand counts that moved
    world.letters(5, start=50, error_type="shop.errors.OtherError", error_message="something else")
    expect(page.locator("#groups > .fresh")).to_have_text("1 change · show")
    expect(page.locator("#groups [data-row-id]")).to_have_count(1)
    LetterGroup.objects.update(open_count=0, quarantined_count=2)
    page.reload()
    expect(page.locator("#groups .status").first).to_have_text("Quarantined")
    assert page.locator("#groups th").evaluate_all(heads) == places


def test_a_letter_is_called_by_its_key_and_its_payload_stands_before_the_stack(visits: Visits, world: World) -> None:
    (letter,) = world.letters(1, error_stack="at shop.billing.charge (billing.py:1)\n" * 3)
    page = visits.open("ana", path=f"/letters/groups/{letter.group_id}/")
    expect(page.locator("#drawer > header strong")).to_have_text(letter.key_text)
    expect(page.locator("#drawer > header")).to_contain_text("orders/0@0")
    payload, stack = page.locator("#drawer pre.json").bounding_box(), page.locator("#drawer pre.stack").bounding_box()
    assert payload is not None
    assert stack is not None
    assert payload["y"] < stack["y"]
    expect(page.get_by_role("link", name="1 open letter")).to_have_attribute(
        "href", f"/letters/all/?q=failure:{letter.group_id}+state:open"
    )


def test_figures_of_rows_that_stand_still_go_on(visits: Visits, world: World) -> None:
    world.letters(2)
    page = visits.open("ana", path="/letters/")
    page.locator("#groups input[data-row]").check()
    world.letters(4, start=20)
    expect(page.locator("#groups td.num")).to_have_text("6")
    expect(page.locator("#groups input[data-row]:checked")).to_have_count(1)


def test_the_keyboard_alone_opens_selects_and_plans(visits: Visits, world: World) -> None:
    world.letters(3)
    world.letters(2, start=10, error_type="shop.errors.OtherError", error_message="else")
    page = visits.open("ana", path="/letters/")
    press(page, "j")
    press(page, "j")
    press(page, "Enter")
    expect(page).to_have_url(re.compile(r"/letters/groups/\d+/"))
    expect(page.locator("#drawer .lead h2")).to_contain_text("OtherError")
    press(page, "k")
    press(page, "x")
    expect(page.locator(".selection")).to_be_visible()
    press(page, "r")
    expect(page.get_by_role("heading", name="Plan of a replay")).to_be_visible()
    expect(page.get_by_role("button", name="Replay 3 letters")).to_be_visible()


def test_a_letter_shows_its_parts_and_each_tab_is_a_link(visits: Visits, world: World) -> None:
    extra: tuple[Header, ...] = (("x", b"1"), ("x", b"2"), ("none", None), ("empty", b""))
    letters.store(letters.record(7, value=b'{"id": 12345678901234567890, "a": [1, {"b": null}]}', extra=extra))
    group = LetterGroup.objects.get()
    page = visits.open("ana", path=f"/letters/groups/{group.pk}/")
    page.locator("#drawer .tabs a", has_text="Headers").click()
    expect(page).to_have_url(re.compile("tab=headers"))
    values = page.locator("#drawer table.headers td:nth-child(2)")
    assert values.all_inner_texts()[-4:] == ["1", "2", "NULL", "empty"]
    page.reload()
    expect(page.locator("#drawer .tabs a[aria-current]")).to_contain_text("Headers")
    page.locator("#drawer .tabs a", has_text="Payload").click()
    expect(page.locator("#drawer pre.json")).to_contain_text("12345678901234567890")
    page.locator("#drawer .segments a", has_text="Hex").click()
    expect(page.locator("#drawer pre.hex")).to_contain_text("7b 22 69 64 22")
    page.go_back()
    expect(page.locator("#drawer pre.json")).to_contain_text("12345678901234567890")
    page.go_back()
    expect(page.locator("#drawer .tabs a[aria-current]")).to_contain_text("Headers")


@pytest.mark.parametrize("tab", ["error", "payload", "headers", "history", "trace"])
def test_hostile_bytes_are_text_everywhere(visits: Visits, world: World, tab: str) -> None:
    raw = HOSTILE.encode()
    body = json.dumps({HOSTILE: [HOSTILE, {"deep": HOSTILE}]}).encode()
    told = letters.headers(
        origin_topic=HOSTILE[:200],
        group=HOSTILE,
        error_type=HOSTILE,
        error_message=HOSTILE,
        error_stack=f"{HOSTILE}\n" * 5,
    )
    shown = (*told, (HOSTILE, raw), ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
    letters.store(letters.record(1, topic="hostile.dlq", key=raw, value=body, told=shown), now=world.now)
    letter = Letter.objects.get()
    page = visits.open("ana", path=f"/letters/{letter.pk}/?tab={tab}")
    for address in (
        f"/letters/groups/{letter.group_id}/?tab={tab}",
        "/letters/all/",
        "/",
        f"/letters/all/?q={'%22%3E%3Cscript%3E'}",
    ):
        page.goto(address)
        page.wait_for_timeout(150)
        assert "ran" not in page.title()
        assert (
            page.locator("main script, main img, main [onerror], main [onload], main a[href^=javascript]").count() == 0
        )
        inert = "main [hx-get]:not([data-opens]):not(.tabs a):not(.segments a), main [hx-on\\:load], main [data-hx-get]"
        assert page.locator(inert).count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing may push the page wide"


def test_bytes_come_as_a_file_and_never_as_a_page(visits: Visits, world: World) -> None:
    letters.store(letters.record(1, value=b"<script>1</script>\x00\xff"))
    page = visits.open("ana")
    answer = page.request.get(f"/letters/{Letter.objects.get().pk}/value/bytes/")
    assert answer.body() == b"<script>1</script>\x00\xff"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "application/octet-stream"


def test_filters_are_links_and_a_wrong_one_says_what_is_wrong(visits: Visits, world: World) -> None:
    world.letters(3)
    world.letters(2, start=10, error_type="shop.errors.OtherError", error_message="else")
    page = visits.open("ana", path="/letters/all/")
    press(page, "/")
    page.keyboard.type("error:OtherError")
    press(page, "Enter")
    expect(page).to_have_url(re.compile(r"\?q=error%3AOtherError$"))
    expect(page.locator("#letters [data-row-id]")).to_have_count(2)
    page.get_by_label("Take away error OtherError").click()
    expect(page.locator("#letters [data-row-id]")).to_have_count(5)
    page.goto("/letters/all/?q=colour:red")
    expect(page.get_by_role("alert")).to_contain_text('no field "colour"')


def test_a_thousand_letters_are_paged_by_key(visits: Visits, world: World) -> None:
    letters.store(*(letters.record(at, key=b"k%d" % at) for at in range(1_000)), now=world.now)
    page = visits.open("ana", path="/letters/all/")
    expect(page.locator("#letters .under")).to_contain_text("1,000 letters")
    first = rows(page, "#letters")
    page.get_by_role("link", name="Older").click()
    expect(page).to_have_url(re.compile("before="))
    second = rows(page, "#letters")
    assert len(first) == len(second) == 50
    assert not set(first) & set(second)
    page.get_by_role("link", name="Newer").click()
    expect(page).to_have_url(re.compile("after="))
    assert rows(page, "#letters") == first
