"""Whom a demo tells is known to its processes and to commands beside it, whoever named it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reliability import environment
from reliability.embedded import pager

URL, SECRET = "http://127.0.0.1:8000", "s" * 32
OURS = '{"ours": {"kind": "slack", "url": "https://hooks.slack.example/x"}}'


@pytest.fixture
def state_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "MAINSTAY_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(environment.loading, "STATE_FILE", tmp_path / "state.json")
    return tmp_path / "state.json"


def beside(state_file: Path, given: dict[str, str], **more: str) -> environment.Environment:
    """The settings of a command beside a demo that was started with this environment."""
    facts = {
        "database_url": "postgresql://h/x",
        "redis_url": "redis://h",
        "kafka_bootstrap_servers": "h:9092",
        "secret_key": "x" * 64,
        "broker": "kafka",
        "alerts": pager.environment(url=URL, secret=SECRET, given=given),
        **more,
    }
    state_file.write_text(json.dumps(facts))
    return environment.load()


def test_without_channels_it_is_the_demos_own_pager(state_file: Path) -> None:
    found = beside(state_file, {"PATH": "/bin"})
    (name,) = found.MAINSTAY_ALERT_CHANNELS
    assert (name, found.MAINSTAY_URL) == (pager.NAME, URL)


def test_channels_that_were_named_stand(state_file: Path) -> None:
    found = beside(state_file, {"MAINSTAY_ALERT_CHANNELS": OURS})
    assert ([*found.MAINSTAY_ALERT_CHANNELS], found.MAINSTAY_URL) == (["ours"], URL)


def test_channels_in_a_file_stand_too(state_file: Path, tmp_path: Path) -> None:
    (tmp_path / "channels").write_text(OURS)
    given = {"MAINSTAY_ALERT_CHANNELS_FILE": str(tmp_path / "channels")}
    assert "MAINSTAY_ALERT_CHANNELS" not in pager.environment(url=URL, secret=SECRET, given=given)
    assert [*beside(state_file, given).MAINSTAY_ALERT_CHANNELS] == ["ours"]


def test_a_command_may_name_its_own(state_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSTAY_ALERT_CHANNELS", OURS.replace("ours", "mine"))
    assert [*beside(state_file, {"MAINSTAY_ALERT_CHANNELS": OURS}).MAINSTAY_ALERT_CHANNELS] == ["mine"]


def test_beside_a_demo_that_only_looks_commands_only_look_too(state_file: Path) -> None:
    assert [beside(state_file, {}, read_only=word).MAINSTAY_READ_ONLY for word in ("true", "false")] == [True, False]
    assert beside(state_file, {}).MAINSTAY_READ_ONLY is False
