"""Bad input in dead-letter topics: every record is stored byte for byte, the process lives, API and pages show it."""

from __future__ import annotations

import uuid
from html.parser import HTMLParser

import pytest

from reliability.kernel import wire
from tests.scenarios import replaying
from tests.scenarios.bad_records import BAD, UNREADABLE, Bad
from tests.scenarios.tally import Tally
from tests.support.console import Person
from tests.support.system import System, wait_until

pytestmark = pytest.mark.scenario

FOUND_WITHIN_S = 60.0
TABS = ("payload", "headers", "error", "history", "trace")


def test_every_bad_record_is_stored_as_it_is_and_shown(system: System, tally: Tally) -> None:
    system.need("letters", "web")
    pid = system.pid("letters")
    topic = f"h.{uuid.uuid4().hex[:8]}.orders.dlq"
    system.broker.create(topic)
    for bad in BAD:
        system.broker.produce(topic, bad.value, key=bad.key, headers=bad.headers)
    for raw in UNREADABLE:
        system.broker.produce_raw(topic, key=b"raw", value=b"raw", headers=raw)
    total = len(BAD) + len(UNREADABLE)
    wait_until(lambda: stored(system, topic) == total, within_s=FOUND_WITHIN_S, what=lambda: system.log("letters"))
    assert system.pid("letters") == pid
    assert system.running("letters")

    rows = system.rows('SELECT id, key, value, headers FROM dlq_letter WHERE topic = %s ORDER BY "offset"', topic)
    wrong = [bad.name for bad, row in zip(BAD, rows, strict=False) if not is_exactly(bad, *row[1:])]
    tally.add("letters", total=total, lost=total - len(rows), doubled=0)
    assert wrong == []
    flags = system.rows('SELECT headers_unreadable, value FROM dlq_letter WHERE topic = %s ORDER BY "offset"', topic)
    assert [flag for flag, _ in flags] == [False] * len(BAD) + [True] * len(UNREADABLE)
    assert [bytes(value) for _, value in flags[len(BAD) :]] == [b"raw"] * len(UNREADABLE)
    is_shown(system, [row[0] for row in rows])


def test_a_header_name_ends_at_a_nul_for_the_client(system: System) -> None:
    """The one thing that is not kept: librdkafka hands names over as C strings. Everything else of the record is."""
    system.need("letters")
    topic = f"h.{uuid.uuid4().hex[:8]}.orders.dlq"
    system.broker.create(topic)
    system.broker.produce_raw(topic, key=b"k\0", value=b"v\0", headers=[(b"na\0me", b"1\0"), (b"other", None)])
    wait_until(lambda: stored(system, topic) == 1, within_s=FOUND_WITHIN_S, what=lambda: system.log("letters"))
    ((key, value, headers),) = system.rows("SELECT key, value, headers FROM dlq_letter WHERE topic = %s", topic)
    assert (key, value, wire.unpack_headers(headers)) == (b"k\0", b"v\0", (("na", b"1\0"), ("other", None)))


def stored(system: System, topic: str) -> int:
    count: int = system.one("SELECT count(*) FROM dlq_letter WHERE topic = %s", topic)
    return count


def is_exactly(bad: Bad, key: bytes | None, value: bytes | None, headers: bytes) -> bool:
    """Whether the row holds the record's bytes, NULL distinct from empty."""
    return (key, value, wire.unpack_headers(headers)) == (bad.key, bad.value, tuple(bad.headers))


def is_shown(system: System, letter_ids: list[int]) -> None:
    """The API gives every letter; its pages have nothing of it that a browser would take for ours."""
    person = system.person()
    hostile = []
    for letter_id, bad in zip(letter_ids, [*BAD, *[None] * len(UNREADABLE)], strict=True):
        answer = system.get(f"/api/v1/letters/{letter_id}")
        assert answer.status == 200, (bad, answer)
        assert answer.json["id"] == letter_id
        hostile += [letter_id] if is_hostile(bad) else []
        for tab in TABS if is_hostile(bad) else TABS[:1]:
            is_harmless(person, f"/letters/{letter_id}/?tab={tab}", bad.name if bad else "a header name")
    groups = system.rows("SELECT DISTINCT group_id FROM dlq_letter WHERE id = ANY(%s)", hostile)
    plan = replaying.draw(system, letter_ids)
    pages = ("/", "/letters/", "/letters/all/", f"/replays/plans/{plan['id']}/", "/activity/")
    for path in (*pages, *(f"/letters/groups/{group}/" for (group,) in groups)):
        is_harmless(person, path, "all of them")


def is_hostile(bad: Bad | None) -> bool:
    return bad is not None and (
        "evil" in repr(bad.headers) or "evil" in repr((bad.key or b"", (bad.value or b"")[:999]))
    )


def is_harmless(person: Person, path: str, what: str) -> None:
    """A page answers, and shows what is hostile as text."""
    page = person.get(path)
    assert page.status == 200, (what, path, page)
    looked = Looker()
    looked.feed(page.text)
    assert looked.intruders == [], (what, path)


class Looker(HTMLParser):
    """Finds elements and attributes that came out of a record: its own all carry the word ``evil``."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.intruders: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        acts = [name for name, value in attrs if "evil" in name or ("evil" in (value or "") and is_active(name, value))]
        if "evil" in tag or acts:
            self.intruders.append(f"<{tag} {acts}>")


def is_active(name: str, value: str | None) -> bool:
    """Whether a browser or htmx would do something with an attribute of this name."""
    return name.startswith(("on", "hx-", "data-hx-", "ws-", "sse-")) or (
        name in ("href", "src", "action", "formaction") and not (value or "").startswith(("/", "?", "#"))
    )
