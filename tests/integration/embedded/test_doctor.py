"""The doctor's facts on this machine, where set-up has run."""

from __future__ import annotations

import pytest

from reliability.embedded import doctor, java, postgres


def test_after_set_up_everything_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSTAY_BROKER", "kafka")
    facts = doctor.facts()
    assert all(well for _, well, _ in facts), facts
    assert {"broker", "embedded PostgreSQL", "embedded Redis", "Java", "Kafka's jars"} < {name for name, _, _ in facts}


def test_the_in_process_broker_is_named_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSTAY_BROKER", "in-process")
    monkeypatch.setenv("MAINSTAY_BROKER_REASON", "no Java")
    [(_, well, text)] = [fact for fact in doctor.facts() if fact[0] == "broker"]
    assert not well
    assert "no Java" in text
    assert "topic creation" in text


def test_what_is_missing_comes_with_the_command_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_binaries", lambda: None)
    monkeypatch.setattr(java, "find", lambda: None)
    texts = {name: (well, text) for name, well, text in doctor.facts()}
    assert texts["embedded PostgreSQL"][0] is False
    assert "make setup" in texts["embedded PostgreSQL"][1]
    assert "in-process broker" in texts["Java"][1]
