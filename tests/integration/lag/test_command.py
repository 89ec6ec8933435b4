"""``manage.py lag``: what it prints, whom it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from unittest import mock

import pytest
from django.core.management import CommandError, call_command

from reliability.access import Role
from reliability.kernel import clock
from reliability.lag.domain.values import Word
from reliability.lag.management.commands import lag as command
from tests.support import lag
from tests.support.actors import account

pytestmark = pytest.mark.django_db


@pytest.fixture
def beside() -> StringIO:
    """What is written on standard error."""
    return StringIO()


@pytest.fixture
def run(beside: StringIO) -> Callable[..., str]:
    def call(*words: str) -> str:
        out = StringIO()
        call_command("lag", *words, stdout=out, stderr=beside)
        return out.getvalue()

    return call


def test_it_prints_groups_the_worst_first(run: Callable[..., str], beside: StringIO) -> None:
    lag.poller()
    lag.group("fine", [lag.part("stock", lag=0)], members=[lag.member()])
    lag.group(
        "billing",
        [lag.part(word=Word.STALL, lag=1_204, at_least=True)],
        trend="growing",
        loss_s=7_200.0,
        facts={"inflow_per_s": 120.0, "consumed_per_s": 0.0},
    )
    lag.group("untold", [lag.part(word=Word.UNKNOWN, lag=None)])
    head, *lines = run().splitlines()
    assert head.split() == ["VERDICT", "GROUP", "LAG", "BEHIND", "TREND", "MEMBERS", "LOOKED", "WHY"]
    assert [line.split()[1] for line in lines] == ["billing", "untold", "up"], "Keeps up is two words"
    assert "1,204 ≥ 12 min growing 120/s, records lost in ~2 h ? 0 s ago" in " ".join(lines[0].split())
    assert "not known" in lines[1]
    assert beside.getvalue() == ""


def test_it_filters_and_says_when_nothing_matches(run: Callable[..., str]) -> None:
    assert run() == "No consumer group is known yet.\n"
    lag.group("billing", [lag.part(word=Word.STALL, lag=1)])
    lag.group("far", [lag.part("stock")], cluster_name="far")
    assert "far" not in run("--word", "stall")
    assert "billing" not in run("--cluster", "far")
    assert "billing" not in run("--text", "stock")
    assert run("--text", "nothing") == "No group matches.\n"


def test_it_prints_the_partitions_of_a_group(run: Callable[..., str]) -> None:
    lag.group(
        "billing",
        [lag.part(lag=0), lag.part(partition=1, word=Word.STALL, lag=9, owner=-1)],
        members=[lag.member(0)],
    )
    first, head, stalled, fine = run("--group", "billing").splitlines()
    assert first == "billing in main: Stalled: orders 1: no commit for 50 s or longer while 9 records wait"
    assert head.split()[:4] == ["VERDICT", "TOPIC", "PARTITION", "LAG"]
    assert "nobody" in stalled
    assert "worker-0 /10.0.0.1" in fine


def test_it_prints_the_apis_documents(run: Callable[..., str]) -> None:
    lag.group("billing", [lag.part(word=Word.STALL, lag=9)])
    listed = json.loads(run("--json"))
    assert [(each["name"], each["word"], each["lag"]) for each in listed["items"]] == [("billing", "STALL", 9)]
    whole = json.loads(run("--group", "billing", "--json"))
    assert whole["partition_rows"][0]["committed"] == 991


def test_it_says_when_figures_are_old_and_why(run: Callable[..., str], beside: StringIO) -> None:
    lag.cluster(error="connection refused")
    lag.group()
    run()
    assert "! cluster main tells nothing: connection refused" in beside.getvalue()
    assert "! no process polls lag now; figures are 0 s old" in beside.getvalue()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--group", "nobody"), "There is no consumer group 'nobody' that you may see"),
        (("--group", "twice"), "The clusters far, main have a group 'twice' each: name one with --cluster"),
        (("--group", "twice", "--cluster", "x"), "There is no consumer group 'twice' in the cluster x"),
        (("--word", "fine"), "'fine' is no verdict; these are: OK"),
        (("--as", "stranger"), "There is no active account named 'stranger'"),
    ],
)
def test_a_mistake_is_a_sentence(run: Callable[..., str], words: tuple[str, ...], sentence: str) -> None:
    lag.group("twice")
    lag.group("twice", cluster_name="far")
    with pytest.raises(CommandError, match=sentence):
        run(*words)


def test_with_an_account_it_shows_what_that_account_may_see(run: Callable[..., str]) -> None:
    account(Role.VIEWER, name="lim", topics=("stock",))
    lag.group("hidden", [lag.part("payroll", lag=5)])
    lag.group("seen", [lag.part("stock", lag=5)])
    assert "hidden" not in run("--as", "lim")
    assert "hidden" in run()
    with pytest.raises(CommandError, match="no consumer group 'hidden'"):
        run("--group", "hidden", "--as", "lim")


def test_it_is_shown_again_until_it_is_stopped(run: Callable[..., str]) -> None:
    lag.group("billing")
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2:
            raise KeyboardInterrupt

    with mock.patch.object(type(clock.SYSTEM), "sleep", lambda self, seconds: nap(seconds)):
        shown = run("--watch")
    assert shown.count("billing") == 2
    assert naps == [command.WATCH_EVERY_S] * 2


def test_pages_that_go_on_say_so(run: Callable[..., str], beside: StringIO) -> None:
    for number in range(4):
        lag.group(f"g{number}")
    assert len(run("--limit", "2").splitlines()) == 3
    assert "2 of 4 groups: --limit shows more" in beside.getvalue()
