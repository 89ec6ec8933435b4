"""``manage.py letters``: what it prints, what it does only with --yes, whom it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from dlq.management.commands import letters as command
from dlq.models import Discard, Letter, Replay, ReplayItem, ReplayPlan
from dlq.operations import outcomes
from outbox.domain import message
from outbox.models import Inbox
from reliability.access import Role
from reliability.audit.models import Entry
from reliability.kernel import clock
from tests.support.actors import account
from tests.support.replays import GROUP, World


@pytest.fixture
def beside() -> StringIO:
    """What is written on standard error."""
    return StringIO()


@pytest.fixture
def run(world: World, beside: StringIO) -> Callable[..., str]:
    world.now = clock.SYSTEM.now()
    account(Role.OPERATOR, name="ana")
    account(Role.VIEWER, name="vic")

    def call(*words: str, who: str = "ana") -> str:
        out = StringIO()
        call_command("letters", *words, "--as", who, stdout=out, stderr=beside)
        return out.getvalue()

    return call


def as_json(text: str) -> Any:
    return json.loads(text)


def test_it_lists_letters_and_groups_and_shows_one(world: World, run: Callable[..., str]) -> None:
    letters = world.letters(3)
    assert len(run("list").splitlines()) == 3
    listed = as_json(run("list", "--json", "--limit", "2"))
    assert [each["id"] for each in listed["items"]] == [letters[2].pk, letters[1].pk]
    assert (listed["next"], listed["count"]) == (letters[1].pk, 3)
    assert len(as_json(run("list", "--filter", "key:k1", "--json"))["items"]) == 1
    assert "3 open" in run("groups")
    shown = run("show", str(letters[0].pk))
    assert "PaymentTimeout" in shown
    assert '{"order": 17}' in shown
    assert as_json(run("show", str(letters[0].pk), "--json"))["value_bytes"]["size"] == 13


def test_without_yes_it_shows_the_plan_and_sends_nothing(world: World, run: Callable[..., str]) -> None:
    group = world.letters(3)[0].group_id
    said = run("replay", "--group", str(group), "--rate", "5")
    assert "3 letters to where they came from, 5 a second" in said
    assert "Nothing was sent" in said
    assert not Replay.objects.exists()


@pytest.mark.parametrize("act", [("replay",), ("replay", "--yes", "--reason", "x"), ("discard",)])
def test_a_group_or_a_run_that_there_is_not_is_refused(
    world: World, run: Callable[..., str], act: tuple[str, ...]
) -> None:
    unknown = world.letters(1)[0].group_id + 1_000
    with pytest.raises(CommandError, match=f"There is no failure group {unknown} that you may see"):
        run(*act, "--group", str(unknown))
    with pytest.raises(CommandError, match="There is no such replay"):
        run(*act, "--failed-of", "987654")
    assert not ReplayPlan.objects.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("replay", "--filter", "", "--yes", "--reason", " "), "A reason is required"),
        (("replay", "--filter", "", "--yes", "--reason", "x" * 3_000), "A reason has at most"),
        (("replay", "--filter", "", "--yes", "--reason", "a\x00b"), "reason: a NUL character"),
        (("replay", "--filter", "", "--rate", "nan"), "rate is at least"),
        (("replay", "--filter", "", "--target", "topic:"), "target names no topic"),
        (("replay", "--filter", "", "--failed-limit", "most"), "--failed-limit is a share"),
        (("replay", "--ids", "0"), "An id is a positive whole number"),
        (("replay", "--group", "9" * 30), "An id is a positive whole number"),
        (("replay", "--ids", "1", "x7"), "'x7' is no id: ids are the whole numbers that the lists print"),
        (("discard", "--ids", "1,2"), "'1,2' is no id"),
        (("show", "last"), "'last' is no id"),
        (("list", "--limit", "-5"), "'-5' is no number of things to list: give 1 or more"),
        (("groups", "--limit", "0"), "'0' is no number of things to list"),
        (("replays", "1", "--items", "--limit", "all"), "'all' is no number of things to list"),
        (("replay", "--ids", "987654", "987655"), "There are no letters 987654, 987655 that you may see."),
        (("discard", "--ids", "987654", "--yes", "--reason", "x"), "There is no letter 987654 that you may see."),
        (("discard", "--filter", "x" * 20_001), "filter: at most 20,000 characters"),
        (("discard", "--filter", "nonsense:1"), "nonsense"),
        (("discard", "--filter", "", "--yes", "--reason", ""), "A reason is required"),
        (("list", "--filter", "\udcff"), "filter: <U+DCFF> is not UTF-8 text"),
        (("show", "9" * 30), "There is no such"),
        (("undo", "9" * 30), "There is no such"),
        (("pause", "9" * 30), "There is no such"),
        (("replays", "9" * 30), "There is no such"),
    ],
)
def test_bad_input_gets_a_sentence(
    world: World, run: Callable[..., str], words: tuple[str, ...], sentence: str
) -> None:
    world.letters(1)
    with pytest.raises(CommandError, match=re.escape(sentence)):
        run(*words)


@pytest.mark.parametrize("who", ["nobody", "", "a\x00b", "\udcff", "x" * 30_000])
def test_who_is_no_account_is_told_so(world: World, run: Callable[..., str], who: str) -> None:
    with pytest.raises(CommandError):
        run("groups", who=who)


def test_with_json_every_answer_is_a_document(world: World, run: Callable[..., str]) -> None:
    letters = world.letters(2)
    group = str(letters[0].group_id)
    assert as_json(run("replay", "--group", group, "--json"))["letters"] == 2
    assert as_json(run("discard", "--group", group, "--json")) == {"letters": 2}
    made = as_json(run("discard", "--group", group, "--yes", "--reason", "x", "--json"))
    assert made["count"] == 2
    assert as_json(run("undo", str(made["id"]), "--json"))["undone_by"].startswith("ana, by command line as ")
    for listing in ("list", "groups", "replays"):
        assert as_json(run(listing, "--json")).keys() >= {"items", "next"}


def test_no_log_line_is_mixed_into_the_answer(
    world: World, run: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    group = world.letters(2)[0].group_id
    assert run("replay", "--group", str(group), "--yes", "--reason", "fixed").startswith("replay ")
    assert caplog.records == []
    assert Entry.objects.latest("seq").act == "letters.replay", "it is on record all the same"


@pytest.mark.parametrize("act", ["replay", "discard"])
def test_an_act_without_a_reason_is_refused_at_once_with_an_example(
    world: World, run: Callable[..., str], act: str
) -> None:
    group = world.letters(1)[0].group_id
    with pytest.raises(CommandError, match=rf"add --reason, as in: .*manage.py letters {act} .*--reason '"):
        run(act, "--group", str(group), "--yes")
    assert not ReplayPlan.objects.exists()
    assert not Entry.objects.exists(), "nothing was tried"


def test_the_help_says_what_the_failed_limit_counts(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("letters", "replay", "--help")
    said = " ".join(capsys.readouterr().out.split())
    assert "more than this share of the letters whose outcome is known failed again or were refused" in said
    assert "0.2 (20%) unless given" in said


def test_with_yes_and_a_reason_it_replays_in_the_name_of_the_account(world: World, run: Callable[..., str]) -> None:
    group = world.letters(3)[0].group_id
    with pytest.raises(CommandError, match="A reason is required"):
        run("replay", "--group", str(group), "--yes")
    started = as_json(run("replay", "--group", str(group), "--yes", "--reason", "fixed", "--json"))
    assert (started["state"], started["counts"]["planned"]) == ("running", 3)
    entry = Entry.objects.latest("seq")
    assert (entry.actor_kind, entry.actor_account, entry.outcome) == ("cli", "ana", "done")
    assert "3 planned" in run("replays")
    assert as_json(run("replays", str(started["id"]), "--items", "--json"))["items"][0]["state"] == "planned"
    assert as_json(run("pause", str(started["id"]), "--json"))["state"] == "paused"
    assert as_json(run("resume", str(started["id"]), "--json"))["state"] == "running"
    assert "cancelled" in run("cancel", str(started["id"]))


def test_wait_follows_the_run_to_its_end_and_says_each_line_once(
    world: World, run: Callable[..., str], beside: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = world.letters(2)

    class Working(clock.ManualClock):
        """Every look at the clock gives the processes behind the console time to work."""

        def sleep(self, seconds: float) -> None:
            super().sleep(6)
            world.now = self.now()
            replay = Replay.objects.get()
            world.feed(replay)
            world.relay()
            outcomes.take_receipts(now=world.now)
            for item in ReplayItem.objects.filter(state="sent"):
                Inbox.objects.get_or_create(
                    digest=message.digest(GROUP, item.message_id),
                    defaults={"state": "done", "attempt": item.attempt, "at": world.now},
                )
            outcomes.settle_sent(now=world.now)

    monkeypatch.setattr(command.clock, "SYSTEM", Working(world.now))
    ids = [str(letter.pk) for letter in letters]
    said = run("replay", "--ids", *ids, "--yes", "--reason", "x", "--wait")
    assert "finished: 2 confirmed" in said
    lines = [*beside.getvalue().splitlines(), *said.splitlines()]
    assert len(lines) == len(set(lines)), lines
    assert any("running" in line for line in lines), "it told what happened meanwhile"
    assert set(Letter.objects.values_list("state", flat=True)) == {"resolved"}


def test_discard_and_undo(world: World, run: Callable[..., str]) -> None:
    letters = world.letters(2)
    assert "2 letters would be discarded" in run("discard", "--filter", "topic:orders")
    assert not Discard.objects.exists()
    made = as_json(run("discard", "--ids", str(letters[0].pk), "--yes", "--reason", "test", "--json"))
    assert (made["count"], made["report"]["by_topic"]) == (1, [{"value": "orders", "letters": 1}])
    assert "is undone" in run("undo", str(made["id"]))
    assert set(Letter.objects.values_list("state", flat=True)) == {"open"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("replay", "--ids", "1", "--yes", "--reason", "x"), "takes the role operator"),
        (("discard", "--filter", "", "--yes", "--reason", "x"), "takes the role operator"),
        (("pause", "1"), "takes the role operator"),
    ],
)
def test_it_refuses_a_viewer_with_a_sentence(
    world: World, run: Callable[..., str], words: tuple[str, ...], sentence: str
) -> None:
    world.letters(1)
    with pytest.raises(CommandError, match=sentence):
        run(*words, who="vic")


def test_it_needs_an_account_that_exists(world: World, run: Callable[..., str]) -> None:
    with pytest.raises(CommandError, match="no active account"):
        run("list", who="nobody")
