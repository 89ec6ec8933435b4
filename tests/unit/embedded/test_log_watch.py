"""Which log lines a person sees."""

from __future__ import annotations

import json
from pathlib import Path

from reliability.embedded import log_watch
from reliability.embedded.log_watch import LogWatch


def test_a_line_of_ours_is_shown_by_its_level() -> None:
    assert log_watch.for_people('{"level": "info", "event": "quiet"}') == ""
    assert (
        log_watch.for_people('{"level": "error", "event": "step_failed", "error": "no disk"}')
        == "error: step_failed: no disk"
    )


def test_of_an_exception_the_last_line_is_shown() -> None:
    line = json.dumps({"level": "critical", "event": "died", "exception": "Traceback\n  File\nValueError: no"})
    assert log_watch.for_people(line) == "critical: died: ValueError: no"


def test_a_server_s_fatal_line_is_shown_and_an_ordinary_one_is_not() -> None:
    assert log_watch.for_people("2026 FATAL:  the database system is starting up")
    assert not log_watch.for_people("2026 LOG:  checkpoint complete")


def test_of_a_stack_on_several_lines_the_error_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    watch = LogWatch(log)
    log.write_text("Traceback (most recent call last):\n  File x\n    boom()\n")
    assert watch.important(now_s=1) == []
    with log.open("a") as output:
        output.write("ValueError: no\nand so on\n")
    assert watch.important(now_s=2) == ["ValueError: no"]


def test_of_a_long_event_the_first_line_is_shown() -> None:
    assert log_watch.for_people(json.dumps({"level": "error", "event": "first\nsecond"})) == "error: first"


def test_broken_json_is_not_shown() -> None:
    assert log_watch.for_people('{"level": "error", "ev') == ""


def test_only_what_is_new_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("FATAL: old\n")
    watch = LogWatch(log)
    assert watch.important(now_s=0) == []
    with log.open("a") as output:
        output.write("FATAL: new\n")
    assert watch.important(now_s=1) == ["FATAL: new"]
    assert watch.important(now_s=2) == []


def test_a_child_that_fails_in_a_loop_does_not_fill_the_screen(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    watch = LogWatch(log)
    log.write_text("FATAL: again\n" * 50)
    assert watch.important(now_s=1) == ["FATAL: again"]
    with log.open("a") as output:
        output.writelines(f"FATAL: reason {'x' * number}\n" for number in range(50))
    assert len(watch.important(now_s=5)) == log_watch.LINES_MAX - 1
    with log.open("a") as output:
        output.write("FATAL: again\n")
    assert watch.important(now_s=7) == []
    with log.open("a") as output:
        output.write("FATAL: again\n")
    assert watch.important(now_s=70) == ["FATAL: again"]


def test_lines_that_differ_in_identifiers_alone_are_shown_once(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    watch = LogWatch(log)
    log.write_text("FATAL: task 13fd7bf0-bd3d failed 3 times\nFATAL: task 57037afe-02bb failed 4 times\n")
    assert watch.important(now_s=1) == ["FATAL: task 13fd7bf0-bd3d failed 3 times"]


def test_a_log_that_grew_too_large_begins_anew(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(log_watch, "FILE_MAX_BYTES", 100)
    log = tmp_path / "x.log"
    watch = LogWatch(log)
    log.write_text("x" * 200)
    watch.important(now_s=1)
    assert log.stat().st_size == 0


def test_the_log_of_the_last_start_is_put_aside(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("before")
    log_watch.turn(log)
    log_watch.turn(log)
    assert not log.exists()
    assert (tmp_path / "x.log.1").read_text() == "before"
