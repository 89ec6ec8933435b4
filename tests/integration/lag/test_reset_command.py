"""``manage.py lag_reset``: a preview first, applied only when told so, bad words in a sentence."""

from __future__ import annotations

import json
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from reliability.access import Role
from reliability.kernel import failpoint
from reliability.lag.management.commands import lag_reset
from reliability.lag.models import Group, Reset
from tests.integration.lag.resetting import commits
from tests.integration.lag.world import World
from tests.support import actors

pytestmark = pytest.mark.django_db(transaction=True)

YES = ("--reason", "a bug is fixed", "--yes")


@pytest.fixture(autouse=True)
def _people(stopped: World) -> None:
    actors.account(Role.OPERATOR, name="ana")
    actors.account(Role.VIEWER, name="vito")


def run(*words: str, who: str = "ana") -> str:
    out = StringIO()
    call_command("lag_reset", *words, "--as", who, stdout=out, stderr=out)
    return out.getvalue()


def test_it_prints_the_preview_and_changes_nothing(stopped: World) -> None:
    said = run("billing", "--to", "earliest")
    assert "billing goes on 140 records earlier: 140 will be read again, none skipped." in said
    assert "orders          0      60      5          55        0" in said
    assert "! 140 records are handled a second time" in said
    assert "Then: 190 records will wait; for how long is not known" in said
    assert "Nothing was changed: add --reason and --yes to apply it." in said
    assert commits(stopped) == [60, 90]


def test_who_gave_a_reason_and_was_not_asked_is_told_what_is_missing_and_fails(stopped: World) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match=r"nobody can be asked here. Add --yes to apply it\.$"):
        call_command(
            "lag_reset", "billing", "--to", "earliest", "--reason", "so", "--as", "ana", stdout=out, stderr=out
        )
    assert "140 will be read again" in out.getvalue(), "the preview is there all the same"
    assert commits(stopped) == [60, 90]


def test_with_yes_it_is_applied_and_says_the_way_back(stopped: World) -> None:
    said = run("billing", "--to", "earliest", *YES)
    made = Reset.objects.get()
    assert f"Reset {made.pk} is applied." in said
    assert f"lag_reset --undo {made.pk} --as ana" in said
    assert commits(stopped) == [5, 5]
    stopped.polls()
    assert "140 will be skipped" in run("--undo", str(made.pk))
    run("--undo", str(made.pk), *YES)
    assert commits(stopped) == [60, 90]


def test_what_was_looked_at_is_applied_by_its_hash(stopped: World) -> None:
    plan = json.loads(run("billing", "--to", "latest", "--json"))
    with pytest.raises(CommandError, match="not what was previewed"):
        run("--plan", str(plan["id"]), "--hash", "0" * 64, *YES)
    run("--plan", str(plan["id"]), "--hash", plan["hash"], *YES)
    assert commits(stopped) == [100, 100]


@pytest.mark.parametrize(
    ("to", "after"),
    [
        (("time", "1h"), [100, 100]),
        (("time", "2026-01-01T00:00Z"), [100, 100]),
        (("offset", "70"), [70, 70]),
        (("shift", "-20"), [40, 70]),
        (("shift", "5"), [65, 95]),
        (("latest",), [100, 100]),
    ],
)
def test_every_target_is_planned(to: tuple[str, ...], after: list[int]) -> None:
    plan = json.loads(run("billing", "--to", *to, "--topic", "orders", "--json"))
    assert [row["after"] for row in plan["rows"]] == after


def test_a_file_and_standard_input_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "offsets.csv"
    path.write_text("topic,partition,offset\norders,1,12\n")
    assert [row["after"] for row in json.loads(run("billing", "--to", "file", str(path), "--json"))["rows"]] == [12]

    class Typed:
        buffer = BytesIO(b'[{"topic": "orders", "partition": 0, "offset": 9}]')

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr("sys.stdin", Typed())
    assert [row["after"] for row in json.loads(run("billing", "--to", "file", "-", "--json"))["rows"]] == [9]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name the group"),
        (("billing",), "where it goes on"),
        (("no-such", "--to", "earliest"), "There is no consumer group 'no-such'"),
        (("billing", "--cluster", "far", "--to", "earliest"), "in the cluster far"),
        (("billing", "--to", "tomorrow"), "--to is one of earliest, latest, time"),
        (("billing", "--to", "earliest", "5"), "takes nothing behind it"),
        (("billing", "--to", "offset"), "takes one value: --to offset 1200"),
        (("billing", "--to", "offset", "many"), "is no offset"),
        (("billing", "--to", "offset", "9" * 400), "is no offset"),
        (("billing", "--to", "time", "noon"), "is no time"),
        (("billing", "--to", "time", "2026-01-01T00:00"), "names no time zone"),
        (("billing", "--to", "shift", "0"), "by how many"),
        (("billing", "--to", "file", "/no/such"), "cannot be read: No such file"),
        (("billing", "--to", "file", "/"), "cannot be read"),
        (("billing", "--to", "earliest", "--topic", "stock"), "has no commit in the topic"),
        (("billing", "--to", "earliest", "--yes"), "A reason is required"),
        (("billing", "--to", "earliest", "--hash", "0"), "--hash belongs to a preview"),
        (("bill\x00ing", "--to", "earliest"), "NUL"),
        (("--undo", "999999999"), "no such reset"),
        (("--undo", "x"), "is no reset's id"),
        (("--undo", "1", "--to", "latest"), "nothing else"),
        (("--plan", "1", "--to", "latest"), "as it was shown"),
        (("--plan", "1", *YES), "takes --hash"),
        (("--plan", "999999999", "--hash", "0", *YES), "no such reset"),
    ],
    ids=lambda each: " ".join(each)[:50].encode("unicode_escape").decode() if isinstance(each, tuple) else "",
)
def test_bad_words_get_a_sentence(stopped: World, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError) as refused:
        run(*words)
    assert said in str(refused.value)
    assert commits(stopped) == [60, 90]
    assert not Reset.objects.exists()


def test_a_group_in_two_clusters_is_to_be_told_apart() -> None:
    group = Group.objects.get()
    type(group.cluster).objects.create(name="far")
    group.pk, group.cluster_id = None, "far"
    group.save(force_insert=True)
    with pytest.raises(CommandError, match="The clusters far, main have a group 'billing' each"):
        run("billing", "--to", "earliest")
    assert "goes on" in run("billing", "--to", "earliest", "--cluster", "main")


def test_members_and_a_silent_cluster_are_said(stopped: World) -> None:
    stopped.group("billing", stopped.member("one", 0, 1))
    with pytest.raises(CommandError, match="stop its consumers"):
        run("billing", "--to", "earliest", *YES)
    stopped.broker.go_away()
    with pytest.raises(CommandError, match="The cluster main does not answer"):
        run("billing", "--to", "earliest", *YES)


def test_a_viewer_may_not(stopped: World) -> None:
    for words in (("billing", "--to", "earliest", *YES), ("--undo", "1"), ("--plan", "1")):
        with pytest.raises(CommandError, match="takes the role operator"):
            run(*words, who="vito")


def test_what_kafka_refuses_ends_with_its_own_status(stopped: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def joins(name: str) -> None:
        if name == "lag.reset_begun":
            stopped.group("billing", stopped.member("one", 0, 1))

    monkeypatch.setattr(failpoint, "reach", joins)
    with pytest.raises(SystemExit) as ended:
        run("billing", "--to", "earliest", *YES)
    assert ended.value.code == lag_reset.NOT_ALL_SET
    assert commits(stopped) == [60, 90]


@pytest.mark.parametrize(("typed", "agreed"), [("billing\n", True), ("yes\n", False), ("", False)])
def test_somebody_at_a_terminal_is_asked_for_the_name(
    stopped: World, monkeypatch: pytest.MonkeyPatch, typed: str, agreed: bool
) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(typed))
    monkeypatch.setattr("sys.stdout", Terminal())
    words: Any = ("billing", "--to", "earliest", "--reason", "a bug is fixed")
    if agreed:
        assert "is applied" in run(*words)
    else:
        with pytest.raises(CommandError, match="nothing was changed"):
            run(*words)
    assert commits(stopped) == ([5, 5] if agreed else [60, 90])
