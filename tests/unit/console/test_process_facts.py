"""Facts of processes in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reliability.console.domain import process_facts


def texts(facts: dict[str, object]) -> list[str]:
    return [each.text for each in process_facts.said(facts)]


def test_what_a_relay_says_has_words_and_units() -> None:
    facts = {"shards": [0, 1, 2, 3, 7], "waiting": [2], "sent": 12_345, "outbox": "main"}
    assert texts(facts) == [
        "outbox main",
        "sends for shards 0-3, 7",
        "12,345 events sent since its start",
        "shards that will try again: 2",
    ]


def test_what_a_consumer_says_has_words_and_units_and_what_is_nothing_is_left_out() -> None:
    facts = {
        "cluster": "main",
        "letters_per_second": 2.4,
        "letters_stored": 1,
        "last_stored": "2026-11-21T10:00:00+00:00",
        "partitions": 12,
        "held_records": 0,
        "waiting": {"orders/3": "the breaker payments is open"},
        "under_way_s": 2.5,
        "last_error": "",
    }
    assert texts(facts) == [
        "cluster main",
        "12 partitions",
        "2.4 letters/s",
        "1 letter stored since its start",
        "works on a record for 2 s",
        "orders/3 waits: the breaker payments is open",
        "last stored",
    ]
    assert [each.at for each in process_facts.said(facts) if each.at] == [datetime(2026, 11, 21, 10, tzinfo=UTC)]
    assert texts({"letters_stored": 0, "last_stored": None}) == ["0 letters stored since its start"]
    assert texts({"waiting": {}, "held_records": 1, "gate": ""}) == ["1 record in hand"]


def test_troubles_come_last_and_are_marked() -> None:
    (calm, trouble) = process_facts.said({"error": "no connection", "partitions": 1})
    assert (calm.text, calm.is_trouble) == ("1 partition", False)
    assert (trouble.text, trouble.is_trouble) == ("error: no connection", True)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("cache_size_bytes", 1_500, "cache size 1.5 kB"),
        ("oldest_s", 90, "oldest 1 min"),
        ("ping_ms", 12, "ping 12 ms"),
        ("reads_per_second", 1_234, "reads 1,234/s"),
        ("queues", ["relay", "beat"], "queues relay, beat"),
        ("limits", {"memory_mb": 512, "nested": {"a": [1, 2, 3]}}, "limits memory_mb: 512, nested: a: 1-3"),
        ("enabled", True, "enabled yes"),
        ("leader", None, "leader none"),
        ("version", "4.1", "version 4.1"),
    ],
)
def test_unknown_facts_stay_readable(name: str, value: object, text: str) -> None:
    assert texts({name: value}) == [text]


def test_who_sees_some_topics_reads_numbers_and_that_there_is_an_error() -> None:
    facts = {
        "cluster": "main",
        "outbox": "",
        "partitions": 2,
        "shards": [0, 1],
        "waiting": {"secret/3": "secret is closed", "secret/4": "the same"},
        "gate": "secret rests",
        "queues": ["secret", "beat"],
        "error": "",
        "last_error": "NoTopic: secret",
        "last_error_at": "2026-11-21T10:00:00+00:00",
        "create_topics": "kafka-topics --create --topic secret",
        "told_tomorrow": "secret",
    }
    kept = process_facts.without_topics(facts)
    assert "secret" not in str(kept)
    assert kept == {
        **facts,
        "waiting": 2,
        "gate": process_facts.HIDDEN_TEXT,
        "queues": 2,
        "last_error": process_facts.HIDDEN_ERROR,
        "create_topics": process_facts.HIDDEN_ERROR,
        "told_tomorrow": process_facts.HIDDEN_TEXT,
    }
    shown = texts({name: kept[name] for name in ("waiting", "gate", "last_error")})
    assert shown == [f"held back by {process_facts.HIDDEN_TEXT}", "2 partitions wait", process_facts.HIDDEN_ERROR]
    assert texts({"waiting": 1}) == ["1 partition waits"]
    assert texts({"waiting": 0}) == []


def test_no_fact_fills_the_page() -> None:
    (long,) = process_facts.said({"create_topics": "x" * 5_000})
    assert len(long.text) == process_facts.TEXT_CHARS_MAX
    assert texts({"ids": list(range(0, 200, 2))})[0].endswith("and 80 more")


def test_what_a_process_waits_for_is_told_in_sentences() -> None:
    why = "the breaker payments, which is open"
    assert process_facts.held_back("consume:stock", {"gate": why, "gate_since": "2026-11-22T08:00:00+00:00"}) == [
        f"consume:stock is held back by {why}"
    ]
    assert process_facts.held_back("relay", {"held_topics": {"payments": why}}) == [
        f"relay holds payments back for {why}"
    ]
    assert process_facts.held_back("relay", {"gate": 7, "held_topics": 3, "gate_since": None}) == []
    assert process_facts.held_back("consume:stock", {"gate": "a ramp's short rest"}) == []
    assert texts({"held_topics": {"payments": why}}) == [f"payments waits for {why}"]
    assert texts(process_facts.without_topics({"held_topics": {"payments": why}})) == ["1 topics wait"]
