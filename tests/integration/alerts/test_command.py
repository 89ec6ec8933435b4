"""``manage.py alerts``: what it prints and what it does."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from reliability.access import Role
from reliability.alerts.domain.answer import Answer
from reliability.alerts.evaluator.preview import preview
from reliability.alerts.management.commands import alerts as command
from reliability.alerts.models import Delivery, Mute, Rule, Turn
from reliability.alerts.models.deliveries import State
from reliability.alerts.operations import delivering
from reliability.alerts.views import runbooks
from reliability.kernel import clock
from reliability.kernel.clock import SYSTEM
from tests.support import actors, alerts

pytestmark = pytest.mark.django_db(transaction=True)
RULE = {"name": "slow", "rooms": ["lag"], "at_least": "warn", "channels": ["pager"]}
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


@pytest.fixture
def beside() -> io.StringIO:
    """What is written on standard error."""
    return io.StringIO()


@pytest.fixture
def run(beside: io.StringIO) -> Callable[..., str]:
    def call(*words: str) -> str:
        out = io.StringIO()
        call_command("alerts", *words, stdout=out, stderr=beside)
        return out.getvalue()

    return call


@pytest.fixture
def rule(tmp_path: Path) -> str:
    file = tmp_path / "slow.json"
    file.write_text(json.dumps(RULE))
    return str(file)


def test_open_incidents_the_worst_first_and_what_keeps_people_from_hearing(
    run: Callable[..., str], beside: io.StringIO
) -> None:
    assert run("list") == "no incident is open\n"
    assert "! no rule was ever looked at: a worker for the queue critical" in beside.getvalue()
    slow = alerts.incident("slow", severity="warn", minutes_ago=95)
    made = alerts.incident("broken\nlag", channels=["pager"])
    alerts.incident("done", over=True)
    Delivery.objects.update(attempts=3, answer="no answer within 10 s")
    Turn.objects.create(pk=1, at=SYSTEM.now() - timedelta(minutes=5), unread=["outbox"])
    assert [" ".join(line.split()) for line in run("list").splitlines()] == [
        f"{made.pk} crit 10 min not taken by pager broken lag",
        f"{slow.pk} warn 1 h 35 min nobody was told slow",
    ]
    for warning in (
        "rules were last looked at 5 min ago",
        "outbox could not be asked",
        "pager has not taken 1 message: no answer within 10 s",
    ):
        assert f"! {warning}" in beside.getvalue()
    assert [each["title"] for each in json.loads(run("list", "--json"))["items"]] == ["broken\nlag", "slow"]


def test_incidents_are_shown_although_channels_cannot_be(
    run: Callable[..., str], beside: io.StringIO, settings: Settings
) -> None:
    settings.ALERT_CHANNELS = {"pager": {"kind": "pigeon"}}
    alerts.incident("broken")
    assert "broken" in run("list")
    assert "! The channel pager is of no kind that there is" in beside.getvalue()


def test_those_that_are_over_come_in_pages(run: Callable[..., str], beside: io.StringIO) -> None:
    made = [alerts.incident(f"n{at}", over=True).pk for at in range(3)]
    first = run("list", "--over", "--limit", "2")
    assert [int(line.split()[0]) for line in first.splitlines()] == [made[2], made[1]]
    assert f"there are more: --before {made[1]}" in beside.getvalue()
    assert int(run("list", "--over", "--before", str(made[1])).split()[0]) == made[0]


def test_one_is_shown_with_all_that_is_known(run: Callable[..., str]) -> None:
    made = alerts.incident("broken", "gone", channels=["pager"])
    assert f"nobody has acknowledged it: .venv/bin/python manage.py alerts ack {made.pk} --as USER" in run(
        "show", str(made.pk)
    )
    assert "is with ana" in run("ack", str(made.pk), "--reason", "restarting it", *ANA)
    shown = run("show", str(made.pk))
    assert shown.startswith(f"incident {made.pk}: 2 things: broken\n")
    for line in ("acknowledged by", "restarting it", "alerts: 2 up", "broken: why broken", "opened", "not tried yet"):
        assert line in shown, line
    assert json.loads(run("show", str(made.pk), "--json"))["acknowledged_why"] == "restarting it"
    with pytest.raises(CommandError, match="has acknowledged it before"):
        run("ack", str(made.pk), *ANA)


def test_it_leads_to_the_runbooks_of_its_pages(
    run: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    for name in ("lag-stalled", "letters-many"):
        (tmp_path / f"{name}.md").write_text(f"# {name}\n")
    monkeypatch.setattr(runbooks, "folder", lambda: tmp_path)
    made = alerts.incident()
    assert "what to do: /alerts/runbooks/lag-stalled/\n" in run("show", str(made.pk))
    settings.MAINSTAY_URL = "https://mainstay.example"
    shown = run("show", str(made.pk))
    assert "what to do: https://mainstay.example/alerts/runbooks/lag-stalled/\n" in shown
    assert "letters-many" not in shown


def test_what_is_hidden_from_an_account_is_not_there(run: Callable[..., str]) -> None:
    hidden = alerts.incident("payroll is stalled", topics=[["payroll"]], channels=["pager"])
    assert "payroll" in run("list")
    assert "payroll" not in run("list", *LIM) + run("deliveries", *LIM)
    for words in (("show", str(hidden.pk), *LIM), ("ack", str(hidden.pk), *LIM)):
        with pytest.raises(CommandError, match=f"There is no incident {hidden.pk}"):
            run(*words)


def test_mutes_are_made_of_each_kind_and_ended_as_it_says(run: Callable[..., str]) -> None:
    made = alerts.incident()
    Rule.objects.create(name="slow", body=RULE, actor="x", reason="x", saved_at=SYSTEM.now())
    assert run("mutes") == "nothing is muted\n"
    for what, told in (
        (("--everything",), "everything"),
        (("--rule", "slow"), "the rule slow"),
        (("--room", "lag"), "everything of lag"),
        (("--incident", str(made.pk)), f"incident {made.pk}"),
        (("--things", "lag:*"), "things like lag:*"),
    ):
        said = run("mute", *what, "--minutes", "30", *WHY, *ANA)
        number = Mute.objects.order_by("-id")[0].pk
        assert said.startswith(f"nobody is told of {told} until ")
        assert said.rstrip().endswith(f"manage.py alerts unmute {number} --as ana")
    assert len(run("mutes").splitlines()) == 5
    assert run("unmute", str(number), *ANA) == "things like lag:*: the mute is over\n"
    assert run("mutes").splitlines()[4] == "over:"
    assert len(json.loads(run("mutes", "--json"))["past"]) == 1


def test_a_rule_is_tried_saved_shown_and_deleted(
    run: Callable[..., str], rule: str, beside: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("rules") == "there is no rule: nobody is told of anything\n"
    tried = run("rule", "preview", rule)
    assert "When something on lag has been at least a warning for 30 s" in tried
    assert "right now it would take nothing" in tried
    assert "tells pager" in tried
    assert run("rule", "save", rule, "--off", *WHY, *ADA).startswith("slow                     off  When something")
    shown = run("rule", "show", "slow")
    assert json.loads(shown)["rooms"] == ["lag"]
    assert "Version 1, off." in beside.getvalue()
    monkeypatch.setattr("sys.stdin", io.StringIO(shown))
    saved = json.loads(run("rule", "save", "-", *WHY, "--json", *ADA))
    assert (saved["version"], saved["on"]) == (2, True), "what show prints is what save takes"
    assert json.loads(run("rules", "--json"))["items"][0]["version"] == 2
    assert "is deleted" in run("rule", "delete", "slow", *WHY, *ADA)
    assert not Rule.objects.exists()


def test_a_preview_prints_what_it_finds_and_what_speaks_against_it(
    run: Callable[..., str], tmp_path: Path, beside: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = alerts.things(alerts.thing("lag:1"), alerts.thing("lag:2", topics=["payroll"]), signals={"s": 90.0})
    monkeypatch.setattr(command, "preview", partial(preview, registry=registry))
    file = tmp_path / "rule.json"

    def tried(*words: str, **rule: object) -> str:
        file.write_text(json.dumps({"name": "r", **rule}))
        return run("rule", "preview", str(file), *words)

    said = tried(*LIM, rooms=["lagg", "lag"])
    assert "right now it would take 1 thing once it has been so for 30 s" in said
    assert "a new incident (room:lag), crit:" in said
    assert "crit  lag:1  lag:1 is bad: it says why" in said
    assert "payroll" not in said
    assert "! it would take more, of topics that this account may not see" in beside.getvalue()
    assert "! it would not be saved: There is no page 'lagg'" in beside.getvalue()
    assert "s is 90, beyond the limit, as of" in tried(condition={"signal": "s", "enter": 60, "exit": 30})
    assert "nobody tells t here" in tried(condition={"signal": "t", "enter": 60, "exit": 30})


def test_channels_are_listed_with_how_they_do(run: Callable[..., str], settings: Settings) -> None:
    alerts.delivery(None, channel="chat", answer="refuses it (403)")
    said = run("channels")
    assert "hooks.example" in said
    assert "refuses it (403)" in said
    assert "very-secret" not in said + run("channels", "--json")
    settings.ALERT_CHANNELS = {}
    assert "MAINSTAY_ALERT_CHANNELS names whom to tell" in run("channels")


def answering(answer: Answer | None) -> Callable[[object, float], None]:
    """What happens while somebody waits: a worker takes what is due; without an answer there is no worker."""

    def nap(self: object, seconds: float) -> None:
        if answer is not None:
            Delivery.objects.update(due_at=SYSTEM.now() - timedelta(seconds=1))
            delivering.deliver("pager", random=lambda: 0.5, send=lambda *_: answer)

    return nap


def test_a_test_waits_until_it_is_taken(run: Callable[..., str]) -> None:
    assert "on its way" in run("test", "pager", *ANA)
    Delivery.objects.all().delete()
    with mock.patch.object(type(clock.SYSTEM), "sleep", answering(Answer(is_taken=True, text="taken (202)"))):
        assert run("test", "pager", "--wait", "30", *ANA).endswith("to pager: taken (202)\n")
    assert Delivery.objects.get().state == State.SENT


def test_a_test_that_is_not_taken_says_why(run: Callable[..., str]) -> None:
    refused = Answer(is_taken=False, text="refuses it (403): look at the channel's address and secret", is_final=True)
    for answer, wait, says in (
        (refused, "30", r"pager did not take it within 30 s: refuses it \(403\)"),
        (None, "0.01", r"Nobody has sent it within 0\.01 s: a worker for the queue critical"),
    ):
        napping = mock.patch.object(type(clock.SYSTEM), "sleep", answering(answer))
        with napping, pytest.raises(CommandError, match=says):
            run("test", "pager", "--wait", wait, *ANA)


def test_messages_are_listed_and_sent_again(run: Callable[..., str], beside: io.StringIO) -> None:
    assert run("deliveries") == "nobody was told yet\n"
    made = alerts.incident("broken", channels=["pager", "chat"])
    lost = alerts.delivery(made, channel="hook", state=State.GIVEN_UP, answer="refuses it (403)")
    (line,) = run("deliveries", "--state", "given_up").splitlines()
    assert line.split()[0] == str(lost.pk)
    assert "refuses it (403)" in line
    assert run("deliveries", "--channel", "any") == "no message matches\n"
    assert len(run("deliveries", "--limit", "2").splitlines()) == 2
    assert "there are more: --before" in beside.getvalue()
    assert run("send-again", str(lost.pk), *ANA) == f"message {lost.pk} is on its way to hook again\n"
    with pytest.raises(CommandError, match="still on its way"):
        run("send-again", str(lost.pk), *ANA)
