"""Activity, settings, the outbox and the pages of what went wrong."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from playwright.sync_api import expect
from pytest_django import Settings

from reliability.access import operations as access_operations
from reliability.access.models import Account
from reliability.certificates.models import Certificate
from reliability.kernel import clock
from reliability.live.operations import DatabaseHeartbeat
from tests.functional.conftest import Visits
from tests.support import outbox
from tests.support.replays import World

pytestmark = pytest.mark.browser


def test_what_is_done_appears_in_the_activity_by_itself_with_its_reason(visits: Visits, world: World) -> None:
    page = visits.open("vito", path="/activity/")
    expect(page.get_by_text("Nobody has done anything yet")).to_be_visible()
    run = world.approve(*world.letters(2))
    row = page.locator("#entries [data-row-id]")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(f"started replay #{run.pk}")
    expect(row).to_contain_text("fixed")
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Entry 1")).to_be_visible()
    expect(page.locator("code.hash").first).to_have_text(re.compile("^[0-9a-f]{64}$"))
    page.goto("/activity/?act=letters.discard")
    expect(page.get_by_text("No entry matches")).to_be_visible()


def test_a_token_is_shown_once_opens_the_api_and_is_revoked(visits: Visits) -> None:
    page = visits.open("ana", path="/settings/access/")
    page.get_by_label("Name of a new token").fill("ci")
    page.get_by_label("Role", exact=True).select_option("viewer")
    page.get_by_role("button", name="Make a token").click()
    secret = page.locator("#secret").inner_text()
    headers = {"Authorization": f"Bearer {secret}", "Cookie": ""}
    assert page.request.get("/api/v1/letters", headers=headers).status == 200
    page.get_by_role("link", name="Done").click()
    expect(page.locator("#tokens tbody tr")).to_have_count(1)
    assert secret not in page.content()
    page.get_by_role("button", name="Revoke").click()
    expect(page.locator(".message")).to_contain_text("no longer opens anything")
    assert page.request.get("/api/v1/letters", headers=headers).status == 401


def test_the_settings_show_processes_and_no_secret(visits: Visits) -> None:
    DatabaseHeartbeat().beat("web", state="running", facts={})
    page = visits.open("vito", path="/settings/")
    expect(page.locator("#processes")).to_contain_text("web")
    assert "password" not in page.locator("main").inner_text().lower()
    expect(page.get_by_text("Accounts", exact=True)).to_have_count(0)


def test_facts_of_processes_are_words_with_units_and_troubles_look_like_it(visits: Visits) -> None:
    facts = {"shards": [0, 1, 2], "waiting": [], "sent": 12_345, "last_stored": "2026-11-21T10:00:00Z", "odd": {"a": 1}}
    DatabaseHeartbeat().beat("relay", state="running", facts=facts)
    DatabaseHeartbeat().beat("letters", state="failing", facts={"partitions": 3, "error": "no connection"})
    page = visits.open("vito", path="/settings/")
    letters, relay = page.locator("#processes tbody tr").nth(0), page.locator("#processes tbody tr").nth(1)
    expect(relay.locator("td").last).to_have_text(
        re.compile(r"^sends for shards 0-2 · 12,345 events sent since its start · last stored .+ · odd a: 1$")
    )
    expect(relay.locator("time[data-as=age]")).to_have_count(3)
    expect(letters.locator(".status")).to_have_text("Failing")
    expect(letters.locator(".status")).to_have_class(re.compile("warn"))
    expect(letters.locator(".trouble")).to_have_text("error: no connection")
    assert not re.search(r"[\[\]{}']", page.locator("#processes tbody").inner_text())


@pytest.mark.parametrize("address", ["/settings/", "/demo/"])
def test_no_gap_is_wider_than_the_others(visits: Visits, address: str) -> None:
    access_operations.issue_token(
        account=Account.objects.get(user__username="ada"),
        name="ci",
        role=None,
        topic_scopes=None,
        life=timedelta(days=1),
        now=clock.SYSTEM.now(),
    )
    page = visits.open("ada", path=address)
    behind = page.locator("main .head + *, main .count-line, main .table + *")
    edge = "e => e.getBoundingClientRect().top - e.previousElementSibling.getBoundingClientRect().bottom"
    gaps = [each.evaluate(edge) for each in behind.all()]
    assert len(gaps) >= 2
    assert all(8 <= gap <= 12 for gap in gaps), gaps


def test_the_demo_s_figures_fill_their_panel_and_its_faults_fit_a_phone(visits: Visits) -> None:
    page = visits.open("ada", path="/demo/")
    figures, panel = page.locator("#shop .figure"), page.locator("#shop .figures").bounding_box()
    last = figures.last.bounding_box()
    assert panel is not None
    assert last is not None
    assert abs(last["x"] + last["width"] - panel["x"] - panel["width"]) <= 1
    page.set_viewport_size({"width": 390, "height": 900})
    for row in page.locator("tr[id^=fault]").all():
        row.evaluate("row => row.scrollIntoView({block: 'center'})")  # down only: a button beside the screen is none
        words = row.locator("small").bounding_box()
        assert words is not None
        assert words["width"] > 300
        expect(row.get_by_role("button")).to_be_in_viewport(ratio=0.5)


def test_the_outbox_page_shows_every_shard_and_says_when_nobody_sends(visits: Visits, world: World) -> None:
    page = visits.open("vito", path="/outbox/")
    expect(page.locator("#outbox tr[id^=shard]")).to_have_count(16)
    expect(page.get_by_text("Nothing is parked")).to_be_visible()
    expect(page.get_by_text("No relay has shown itself")).to_be_visible()


def test_the_outbox_page_lists_parked_events_with_their_reason_as_text(visits: Visits, world: World) -> None:
    outbox.park(1, key=b"<i>k</i>", reason="<b>gone</b>")
    outbox.park(2, key=b"<i>k</i>", behind=True)
    page = visits.open("vito", path="/outbox/")
    expect(page.locator("#parked tbody tr")).to_have_count(2)
    expect(page.locator("#parked-1")).to_contain_text("<b>gone</b>")
    expect(page.locator("#parked-2")).to_contain_text("behind an event of its key")


def test_a_page_that_is_not_there_says_so_inside_the_frame(visits: Visits) -> None:
    visits.expected = ("404",)
    page = visits.open("ana", path="/nothing/here/")
    expect(page.get_by_text("There is nothing at this address")).to_be_visible()
    expect(page.locator(".rail")).to_be_visible()
    page.goto("/letters/999999/")
    expect(page.get_by_text("There is no such letter, or it belongs to a topic that you may not see.")).to_be_visible()
    expect(page.locator(".rail")).to_be_visible()


def test_a_broken_page_names_its_trace_and_asks_no_database(visits: Visits, monkeypatch: pytest.MonkeyPatch) -> None:
    visits.expected = ("500",)

    def breaks(**_: object) -> None:
        raise ArithmeticError("planted")

    monkeypatch.setattr("reliability.console.queries.overview", breaks)
    page = visits.open("ana")
    expect(page.get_by_text("This page broke")).to_be_visible()
    expect(page.locator("code.hash")).to_have_text(re.compile("^[0-9a-f]{32}$"))
    assert "planted" not in page.content()


def test_a_room_that_cannot_be_read_is_named_and_the_rest_is_shown(visits: Visits, world: World) -> None:
    world.letters(2)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE dlq_groupminute RENAME TO dlq_groupminute_away")
    try:
        page = visits.open("ana")
        expect(page.get_by_role("alert").first).to_contain_text("could not be read")
        expect(page.locator(".tile").first).to_contain_text("Could not be read")
        expect(page.locator(".verdict")).to_contain_text("could not be read")
        expect(page.get_by_text("What happened")).to_be_visible()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE dlq_groupminute_away RENAME TO dlq_groupminute")


def test_in_read_only_mode_the_bar_says_so_and_no_act_is_offered(
    visits: Visits, world: World, settings: Settings
) -> None:
    world.letters(2)
    page = visits.open("ana", path="/letters/")
    page.locator("#groups [data-row-id] a").first.click()
    plan = page.get_by_role("button", name="Plan a replay")
    discard = page.get_by_role("link", name=re.compile("^Discard th"))
    expect(plan).to_be_visible()
    settings.MAINSTAY_READ_ONLY = True
    page.reload()
    badge = page.locator(".bar .read-only")
    expect(badge).to_have_text("Read-only")
    expect(badge).to_have_attribute("title", re.compile("nobody acts here"))
    expect(plan).to_have_count(0)
    expect(discard).to_have_count(0)
    expect(page.locator("main .looks").first).to_contain_text("This console is read-only")


def test_certificates_are_listed_the_most_urgent_first(visits: Visits) -> None:
    now = clock.SYSTEM.now()
    ends = {"kafka main broker-1.example:9093": 200, "redis cache.example:6379": 20, "postgresql db:5432": -1}
    for name, days in ends.items():
        Certificate.objects.create(
            name=name,
            role="server",
            where=name.rpartition(" ")[2],
            subject="CN=example",
            ends_at=now + timedelta(days=days),
            looked_at=now,
            tried_at=now,
        )
    page = visits.open("vito", path="/settings/")
    rows = page.locator("#certificates tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("Expired")
    expect(rows.nth(1)).to_contain_text("Ends soon")
    expect(rows.nth(2)).to_contain_text("Holds")
    page.goto("/")
    expect(page.get_by_role("link", name="Certificate of postgresql db:5432")).to_be_visible()
