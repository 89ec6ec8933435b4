"""Everything about a thing, gathered side by side on real connections: bounded, reading only, each part for itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, OperationalError, connection

from reliability import access, audit
from reliability.access import Role
from reliability.audit.models import Entry
from reliability.console import deeds, related
from reliability.console.crew import Crew
from reliability.console.domain.values import Part, TimelineRow
from reliability.console.registry import REGISTRY, Registry, Related
from reliability.console.related import Everything
from reliability.kernel import clock
from tests.support import actors, outbox

pytestmark = pytest.mark.django_db(transaction=True)

NOW = clock.SYSTEM.now()
WITHIN_S = 0.4
PATIENCE_S = 10.0

Ask = Callable[[access.Actor, str, float], Sequence[Part]]


def part(title: str = "found", **values: Any) -> Part:
    return Part(kind="x", title=title, text="", url="", **values)


def sql(statement: str) -> Ask:
    """A section that runs a statement and then knows something."""

    def ask(actor: access.Actor, thing: str, within_s: float) -> Sequence[Part]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        return [part()]

    return ask


def registered(**asks: Ask) -> Registry:
    registry = Registry()
    for name, ask in asks.items():
        registry.register_related("order", Related(name=name, act="orders.view", ask=ask))
    return registry


def gather(registry: Registry, *, actor: access.Actor | None = None, **more: Any) -> Everything:
    who = actor or actors.actor(Role.VIEWER)
    given = {"thing": "ord-17", "within_s": WITHIN_S, "crew": Crew(related.RUNNING_MAX), **more}
    return related.everything(actor=who, kind="order", now=NOW, registry=registry, **given)


def states(found: Everything) -> dict[str, str]:
    return {section.name: section.state for section in found.sections}


def connections_busy() -> int:
    """How many sessions of the test's database are at work, this one aside."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state <> 'idle'"
        )
        return int(cursor.fetchone()[0])


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_each_section_says_how_it_went_and_takes_nothing_from_the_others() -> None:
    registry = registered(
        quick=lambda actor, thing, within_s: [part(thing)],
        nothing=lambda actor, thing, within_s: [],
        slow=sql("SELECT pg_sleep(30)"),
        broken=lambda actor, thing, within_s: [part()] if 1 / 0 else [],
    )
    began_s = time.monotonic()
    found = gather(registry)
    assert time.monotonic() - began_s < PATIENCE_S / 2
    assert states(found) == {"quick": "ok", "nothing": "empty", "slow": "slow", "broken": "failed"}
    assert {section.name: section.error for section in found.missing} == {
        "slow": "slow did not answer within 0.4 s.",
        "broken": "broken could not be read; the log has the reason.",
    }
    assert [each.title for section in found.sections for each in section.parts] == ["ord-17"]


def test_a_slow_statement_is_ended_by_the_database_and_its_connection_is_free_again() -> None:
    registry = registered(slow=sql("SELECT pg_sleep(30)"))
    assert states(gather(registry)) == {"slow": "slow"}
    end_s = time.monotonic() + PATIENCE_S
    while connections_busy():
        assert time.monotonic() < end_s, "the statement goes on"
        time.sleep(0.02)


def test_no_statement_begins_after_the_end(release: threading.Event) -> None:
    crew, refused = Crew(1), []

    def many(actor: access.Actor, thing: str, within_s: float) -> Sequence[Part]:
        release.wait(PATIENCE_S)
        try:
            return sql("SELECT 1")(actor, thing, within_s)
        except related.TooLate as late:
            refused.append(late)
            raise

    assert states(gather(registered(many=many), crew=crew)) == {"many": "slow"}
    release.set()
    end_s = time.monotonic() + PATIENCE_S
    while not refused:
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_a_section_that_still_has_no_answer_is_not_asked_again(release: threading.Event) -> None:
    crew = Crew(related.RUNNING_MAX)
    registry = registered(
        hangs=lambda actor, thing, within_s: [part()] if release.wait(PATIENCE_S) else [],
        quick=lambda actor, thing, within_s: [part()],
    )
    assert states(gather(registry, crew=crew)) == {"hangs": "slow", "quick": "ok"}
    again = gather(registry, crew=crew)
    assert states(again) == {"hangs": "busy", "quick": "ok"}
    assert again.missing[0].error == "hangs was not asked: questions before this one still have no answer."


def test_what_is_asked_can_change_nothing() -> None:
    name = actors.account(Role.VIEWER).user.username
    registry = registered(writes=sql(f"DELETE FROM auth_user WHERE username = '{name}'"))
    assert states(gather(registry)) == {"writes": "failed"}
    assert get_user_model().objects.filter(username=name).exists()


def test_the_time_limit_stays_with_the_question() -> None:
    gather(registered(quick=sql("SELECT 1")))
    for _ in range(5):
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout'), current_setting('transaction_read_only')")
            assert cursor.fetchone() == ("30s", "off")
        connection.close()


def test_the_page_gives_its_own_connection_back_while_it_waits() -> None:
    held = []

    def ask(actor: access.Actor, thing: str, within_s: float) -> Sequence[Part]:
        pool = connection.pool
        assert pool is not None
        stats = pool.get_stats()
        held.append(stats["pool_size"] - stats["pool_available"])
        return []

    connection.ensure_connection()
    gather(registered(one=ask))
    assert held == [1], "the one who asks"


def test_a_section_is_there_for_who_may_see_it() -> None:
    registry = Registry()
    for name, act in (("Order", "orders.view"), ("Accounts", "accounts.view")):
        source = Related(name=name, act=act, ask=lambda actor, thing, within_s: [part()])
        registry.register_related("order", source)
    assert list(states(gather(registry))) == ["Order"]
    assert list(states(gather(registry, actor=actors.actor(Role.ADMIN)))) == ["Accounts", "Order"]


def test_what_happened_is_merged_newest_first_without_what_is_hidden() -> None:
    def row(minutes: int, text: str, *topics: str) -> TimelineRow:
        at = NOW - timedelta(minutes=minutes)
        return TimelineRow(at=at, kind="machine", status="ok", text=text, topics=topics)

    registry = registered(
        Saga=lambda actor, thing, within_s: [part(happened=(row(1, "third"), row(9, "first")))],
        Events=lambda actor, thing, within_s: [part(happened=(row(5, "second", "orders"), row(7, "hidden", "stock")))],
    )
    found = gather(registry, actor=actors.actor(Role.VIEWER, topics=("orders",)))
    assert [(each.source, each.row.text) for each in found.happened] == [
        ("Saga", "third"),
        ("Events", "second"),
        ("Saga", "first"),
    ]
    assert found.is_limited


def test_a_section_and_the_timeline_have_an_end() -> None:
    rows = tuple(TimelineRow(at=NOW, kind="machine", status="ok", text=str(number)) for number in range(400))
    registry = registered(many=lambda actor, thing, within_s: [part(happened=rows), *([part()] * 100)])
    found = gather(registry)
    assert (len(found.sections[0].parts), found.sections[0].left_out) == (related.PARTS_MAX, 101 - related.PARTS_MAX)
    assert (len(found.happened), found.older) == (related.HAPPENED_MAX, 400 - related.HAPPENED_MAX)


def test_without_a_database_nobody_is_told_that_nothing_is_known() -> None:
    def out(actor: access.Actor, thing: str, within_s: float) -> Sequence[Part]:
        raise OperationalError("connection refused")

    with pytest.raises(OperationalError):
        gather(registered(one=out, other=out))
    found = gather(registered(one=out, other=lambda actor, thing, within_s: []))
    assert states(found) == {"one": "busy", "other": "empty"}
    assert found.missing[0].error == "one was not asked: no connection to the database was free."


def test_an_error_of_the_database_that_is_no_outage_is_a_failure() -> None:
    found = gather(registered(one=sql("SELECT nonsense")))
    assert states(found) == {"one": "failed"}
    assert "nonsense" not in found.missing[0].error, "what an error says may be of topics that are hidden"
    with pytest.raises(DatabaseError):
        sql("SELECT nonsense")(actors.actor(), "ord-17", 1.0)


def test_all_sections_of_the_console_answer_for_a_thing_that_there_is_not() -> None:
    outbox.empty()  # of what other tests have left
    found = gather(REGISTRY, within_s=PATIENCE_S)
    shop = ["Order", "Payments", "Stock", "Shipment"]
    assert list(states(found)) == [*shop, "Saga", "Findings", "Events", "Dead letters", "Acts"]
    assert set(states(found).values()) == {"empty"}
    assert not found.is_known


def test_acts_on_a_thing_are_told_and_those_on_another_are_not() -> None:
    who = actors.actor(Role.OPERATOR)
    for target in ("order:ord-17", "order:ord-170", "order:ord-1"):
        with audit.action("demo.switch", actor=who, target=target, reason=f"about {target}"):
            pass
    (found,) = deeds.acts("order", who, "ord-17", 1.0)
    assert (found.title, found.word, found.status) == ("1 act", "Done", "ok")
    assert found.url == "/activity/?target=order:ord-17"
    (row,) = found.happened
    assert (row.who, row.kind) == ("ana", "person")
    assert "about order:ord-17”" in row.text
    assert deeds.acts("order", who, "ord-*", 1.0) == [], "a star is a star"
    assert Entry.objects.count() == 3
