"""What the README says of alerts, word for word."""

from __future__ import annotations

import re
import shlex
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from reliability import environment
from reliability.access import Role
from reliability.alerts.domain.channels import KINDS, read
from reliability.alerts.models import Delivery, Mute
from reliability.alerts.senders import send
from reliability.kernel.clock import SYSTEM
from tests.integration.alerts.test_senders import MESSAGE
from tests.integration.alerts.world import World
from tests.support import actors
from tests.support.receiver import receiving

ROOT = Path(__file__).parents[3]
SECTION = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Be told\n")[2].partition("\n## ")[0]
SECRETS = {"pagerduty": "R" * 32, "slack": "https://hooks.slack.example/x", "hook": "whsec_" + "c2VjcmV0" * 4}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", SECTION, flags=re.DOTALL)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, object]:
    """The channels of the README, with the secrets that its files would hold."""
    text = blocks("")[0]
    for name, secret in SECRETS.items():
        (tmp_path / name).write_text(secret)
    text = text.replace("/run/secrets", str(tmp_path))
    url, _, channels = text.partition("MAINSTAY_ALERT_CHANNELS=")
    monkeypatch.setenv("MAINSTAY_ALERT_CHANNELS", shlex.split(channels)[0])
    monkeypatch.setenv("MAINSTAY_URL", url.strip().partition("=")[2])
    servers = {"DATABASE_URL": "postgresql://h/x", "REDIS_URL": "redis://h", "KAFKA_BOOTSTRAP_SERVERS": "h:9092"}
    for name, value in {**servers, "MAINSTAY_SECRET_KEY": "x" * 64}.items():
        monkeypatch.setenv(name, value)
    return {name: each.model_dump() for name, each in environment.load().MAINSTAY_ALERT_CHANNELS.items()}


def test_its_channels_are_of_every_kind_that_there_is(told: dict[str, dict[str, object]]) -> None:
    assert sorted(read(name, given).kind for name, given in told.items()) == sorted(KINDS)


def test_its_commands_do_what_they_say(world: World, settings, told: dict[str, dict[str, object]]) -> None:  # type: ignore[no-untyped-def]
    settings.ALERT_CHANNELS = told
    actors.account(Role.OPERATOR, name="operator")
    for line in blocks("")[1].strip().splitlines():
        command, *words = shlex.split(line.removeprefix(".venv/bin/python manage.py "), comments=True)
        call_command(command, *words, stdout=StringIO())
    assert Delivery.objects.get().channel == "on-call"
    assert Mute.objects.get().of == "lag"


def test_its_receiver_takes_what_is_signed() -> None:
    names: dict[str, object] = {"SECRET": SECRETS["hook"]}
    exec(blocks("python")[0], names)  # the README's own words
    with receiving() as receiver:
        given = {"kind": "webhook", "url": receiver.url, "secret": SECRETS["hook"], "allow": ["127.0.0.0/8"]}
        assert send(read("ours", given), MESSAGE, number="msg-1", now=SYSTEM.now()).is_taken
        ((headers, body),) = receiver.requests
    line = names["received"](headers, body)  # type: ignore[operator]
    assert line == f"trigger {MESSAGE.dedup_key}: payments is stuck"
    with pytest.raises(Exception, match="No matching signature"):
        names["received"](headers, body.replace(b"stuck", b"fine!"))  # type: ignore[operator]


def test_the_metric_that_it_names_is_there() -> None:
    from reliability.kernel.telemetry import names

    (name,) = re.findall(r"`(mainstay_\w+)`", SECTION)
    assert name in names.ALL
