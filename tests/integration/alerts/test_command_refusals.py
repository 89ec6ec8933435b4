"""``manage.py alerts``: what it refuses, each time in a sentence."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from reliability.access import Role
from reliability.alerts.management.commands.alerts import Command
from reliability.alerts.models import Delivery, Mute, Rule
from tests.support import actors, alerts

pytestmark = pytest.mark.django_db(transaction=True)
WHY = ("--reason", "upgrade")
ANA, ADA, VITO, LIM = (("--as", name) for name in ("ana", "ada", "vito", "lim"))


@pytest.fixture(autouse=True)
def people(settings: Settings) -> None:
    """Accounts of each role, and channels."""
    settings.ALERT_CHANNELS = alerts.CHANNELS
    actors.account(Role.OPERATOR, name="ana")
    actors.account(Role.ADMIN, name="ada")
    actors.account(Role.VIEWER, name="vito")
    actors.account(Role.OPERATOR, name="lim", topics=("stock*",))


def test_the_examples_of_its_help_are_commands() -> None:
    command = Command()
    parser = command.create_parser("manage.py", "alerts")
    assert {words[0] for words in command.examples} == {"alerts"}
    for words in command.examples:
        assert parser.parse_args(list(words[1:])).word == words[1]


def run(*words: str) -> None:
    call_command("alerts", *words, stdout=io.StringIO(), stderr=io.StringIO())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        *((("show", number), "An id is a number from 1 on") for number in ("0", "-1", str(2**63), "9" * 400)),
        (("show", "x"), "invalid int value"),
        (("ack", "7", *ANA), "There is no incident 7"),
        (("ack", "7"), "required: --as"),
        (("ack", "7", "--as", "nobody"), "no active account named 'nobody'"),
        (("ack", "7", *VITO), "takes the role operator"),
        (("ack", "7", "--reason", "a\x00", *ANA), "NUL"),
        (("mute", "--minutes", "5", *WHY, *ANA), "one of the arguments"),
        (("mute", "--everything", "--room", "lag", "--minutes", "5", *WHY, *ANA), "not allowed with"),
        (("mute", "--everything", "--minutes", "5", *ANA), "reason is required"),
        *(
            (("mute", "--everything", "--minutes", minutes, *WHY, *ANA), "at least a minute")
            for minutes in ("0", "-5", "nan", "inf", "1e9", "10081", "0.5")
        ),
        (("mute", "--room", "nowhere", "--minutes", "5", *WHY, *ANA), "There is no page 'nowhere'"),
        (("mute", "--rule", "nothing", "--minutes", "5", *WHY, *ANA), "No rule is called 'nothing'"),
        (("mute", "--incident", "9" * 5_000, "--minutes", "5", *WHY, *ANA), "An incident is named by its number|no"),
        (("mute", "--things", "", "--minutes", "5", *WHY, *ANA), "Say which things"),
        (("mute", "--room", "lag", "--minutes", "5", *WHY, *LIM), "needs an account that may see every topic"),
        (("mute", "--everything", "--minutes", "5", *WHY, *VITO), "takes the role operator"),
        (("unmute", "7", *ANA), "There is no such mute"),
        (("rule", "show", "nothing"), "No rule is called"),
        (("rule", "delete", "nothing", *WHY, *ADA), "No rule is called"),
        (("rule", "delete", "nothing", *WHY, *ANA), "takes the role admin"),
        (("rule", "preview", "/nowhere.json"), "cannot be read as a rule"),
        (("test", "nobody", *ANA), "No channel is called 'nobody'"),
        (("test", "pager", *VITO), "takes the role operator"),
        *((("test", "pager", "--wait", wait, *ANA), "--wait is more than 0") for wait in ("0", "-1", "nan", "601")),
        (("deliveries", "--state", "lost"), "invalid choice"),
        (("deliveries", "--channel", "nobody"), "No channel is called 'nobody'"),
        (("deliveries", "--limit", "0"), "--limit is 1 to 200"),
        (("list", "--before", "5"), "--before goes with --over"),
        (("list", "--over", "--limit", "201"), "--limit is 1 to 200"),
        (("send-again", "7", *ANA), "There is no message 7"),
    ],
)
def test_what_is_refused_is_a_sentence(words: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        run(*words)
    assert not Mute.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "cannot be read as a rule"),
        (b"\xff\xfe", "cannot be read as a rule"),
        (b"[" * 100_000, "cannot be read as a rule"),
        (b'{"name": "a\\ud800"}', "cannot be read as a rule"),
        (b'{"name": NaN}', "cannot be read as a rule"),
        (b"[]", "A rule is an object"),
        (b'{"name": "slow", "rooms": ["lagg"]}', "There is no page 'lagg'"),
        (b'{"name": "slow", "things": "a\\u0000"}', "it is a text"),
        (b'{"name": "preview"}', "is an address of the API"),
        (b'{"name": "slow", "raise_after_s": 1e400}', "cannot be read|raise_after_s"),
    ],
)
def test_a_file_that_holds_no_rule_is_refused(tmp_path: Path, text: bytes, says: str) -> None:
    file = tmp_path / "rule.json"
    file.write_bytes(text)
    with pytest.raises(CommandError, match=says):
        run("rule", "save", str(file), *WHY, *ADA)
    assert not Rule.objects.exists()
