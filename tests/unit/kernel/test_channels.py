"""Channels of the settings: what is wrong with one stops the start, by name; secrets come from files and stay there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reliability import environment
from reliability.alerts.domain.channels import WrongChannel, read

SERVERS = {
    "DATABASE_URL": "postgresql://127.0.0.1/x",
    "REDIS_URL": "redis://127.0.0.1/0",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "MAINSTAY_SECRET_KEY": "x" * 64,
}
HOOK = {"kind": "webhook", "url": "https://hook.example/x", "secret": "whsec_" + "s" * 32}
MAIL = {"kind": "email", "host": "mail.example", "sender": "a@b.example", "to": ["c@d.example"]}


@pytest.fixture(autouse=True)
def servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVERS.items():
        monkeypatch.setenv(name, value)
    for name in ("MAINSTAY_ALERT_CHANNELS", "MAINSTAY_URL"):
        monkeypatch.delenv(name, raising=False)


def loaded(monkeypatch: pytest.MonkeyPatch, value: object) -> environment.Environment:
    monkeypatch.setenv("MAINSTAY_ALERT_CHANNELS", value if isinstance(value, str) else json.dumps(value))
    return environment.load()


@pytest.mark.parametrize(
    "given",
    [
        HOOK,
        {**HOOK, "allow": ["10.0.0.0/8", "fd00::/8"], "timeout_s": 5},
        {"kind": "pagerduty", "routing_key": "R" * 32},
        {"kind": "slack", "url": "https://hooks.slack.example/services/x"},
        MAIL,
        {**MAIL, "port": 465, "security": "tls", "username": "u", "password": "p" * 30},
        {"kind": "apprise", "url": "ntfy://topic"},
    ],
)
def test_each_kind_is_read_and_made_into_a_channel(monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]) -> None:
    channels = loaded(monkeypatch, {"it": given}).MAINSTAY_ALERT_CHANNELS
    channel = read("it", channels["it"].model_dump())
    assert channel.kind == given["kind"]
    for name in ("secret", "password", "routing_key"):
        if name in given:
            assert given[name] not in f"{channel!r}{channel.leads_to}{channels!r}"
    assert "hooks.slack.example/services" not in repr(channel)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("{", "is no JSON"),
        ("[]", "is no JSON object"),
        ('{"it": {}, "it": {"kind": "slack"}}', "'it' is there twice"),
        ("[" * 100_000, "is no JSON"),
        ({"UPPER": HOOK}, r"UPPER"),
        ({"it": "x"}, "it"),
        ({"it": {}}, "kind"),
        ({"it": {"kind": "pigeon"}}, "pigeon"),
        ({"it": {**HOOK, "url": "ftp://x"}}, "is no address of a web server"),
        ({"it": {**HOOK, "url": "https://user:pw@hook.example/"}}, "must not hold a user or a password"),
        ({"it": {**HOOK, "secret": "whsec_c2hvcnQ="}}, "at least 24"),
        ({"it": {**HOOK, "secret": "s" * 64}}, r"must be whsec_ .*openssl rand -base64 32"),
        ({"it": {**HOOK, "secret": "whsec_" + "s" * 32 + "-"}}, "bytes in base64"),
        ({"it": {**HOOK, "colour": "red"}}, "colour"),
        ({"it": {**HOOK, "allow": ["ten"]}}, "ten is no network"),
        ({"it": {**HOOK, "timeout_s": 0}}, "timeout_s"),
        ({"it": {**HOOK, "secret_file": "/x"}}, "says both secret and secret_file"),
        ({"it": {"kind": "slack"}}, "url"),
        ({"it": {**MAIL, "to": []}}, "to"),
        ({"it": {**MAIL, "to": ["a@b\r\nBcc: x@y"]}}, "to"),
        ({"it": {**MAIL, "host": "a b"}}, "host"),
        ({"it": {**MAIL, "security": "none", "password": "p"}}, "for everybody to read"),
        ({"it": {"kind": "pagerduty", "routing_key": "R" * 31 + "\n"}}, "routing_key"),
        ({f"c{n}": HOOK for n in range(21)}, "at most 20"),
    ],
)
def test_what_is_wrong_stops_the_start_and_is_named(monkeypatch: pytest.MonkeyPatch, value: object, says: str) -> None:
    with pytest.raises(environment.WrongSetting, match=says) as wrong:
        loaded(monkeypatch, value)
    assert str(wrong.value).startswith("MAINSTAY_ALERT_CHANNELS: ")
    assert "s" * 32 not in str(wrong.value)


def test_secrets_and_the_whole_come_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("whsec_" + "f" * 40 + "\n")
    hook = {"kind": "webhook", "url": "https://hook.example/x", "secret_file": str(secret)}
    file = tmp_path / "channels.json"
    file.write_text(json.dumps({"it": hook}))
    monkeypatch.setenv("MAINSTAY_ALERT_CHANNELS_FILE", str(file))
    assert environment.load().MAINSTAY_ALERT_CHANNELS["it"].model_dump()["secret"] == "whsec_" + "f" * 40
    hook["secret_file"] = str(tmp_path / "none")
    file.write_text(json.dumps({"it": hook}))
    with pytest.raises(environment.WrongSetting, match="which cannot be read"):
        environment.load()


@pytest.mark.parametrize("value", ["mainstay.example", "ftp://x", "https://x/?q=1", "https://x/#f"])
def test_an_address_of_the_console_is_one(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MAINSTAY_URL", value)
    with pytest.raises(environment.WrongSetting, match="MAINSTAY_URL: is no address of this console"):
        environment.load()


@pytest.mark.parametrize("given", [{"kind": "pigeon"}, {**HOOK, "colour": "red"}, {**HOOK, "allow": ["ten"]}])
def test_in_another_project_a_wrong_channel_says_so(given: dict[str, Any]) -> None:
    with pytest.raises(WrongChannel, match="channel it"):
        read("it", given)
