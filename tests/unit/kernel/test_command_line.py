"""How commands are spelled, what they refuse, and what is said to a Python without our libraries."""

from __future__ import annotations

import io
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandParser

from reliability.kernel import command_line
from reliability.kernel.errors import Refused
from reliability.kernel.telemetry import logs

ROOT = Path(__file__).parents[3]
OURS = sorted(
    name for name, app in get_commands().items() if app.startswith(("reliability.", "outbox", "dlq", "sagas"))
)


class Said(command_line.PeopleCommand):
    """Prints a word, logs a line, or is refused."""

    examples = (("said", "--word", "two words"),)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--word", default="")
        parser.add_argument("--several", nargs="*", default=[])

    def handle(self, *args: Any, **options: Any) -> None:
        logging.getLogger("tests.said").info("between the lines")
        logging.getLogger("psycopg.pool").warning("error connecting in 'pool-1'")
        logging.getLogger("tests.said").error("worth knowing")
        if options["word"] == "no":
            raise Refused("Not today.")
        self.stdout.write("an answer")


def said(**options: Any) -> str:
    out = io.StringIO()
    call_command(Said(), stdout=out, **options)
    return out.getvalue()


def test_a_command_is_spelled_as_the_readme_spells_it_and_can_be_copied() -> None:
    assert command_line.spelled("doctor") == ".venv/bin/python manage.py doctor"
    spelled = command_line.spelled("letters", "list", "--filter", "topic:orders error:'x'")
    assert spelled == """.venv/bin/python manage.py letters list --filter 'topic:orders error:'"'"'x'"'"''"""
    assert ".venv/bin/python manage.py letters groups" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_nothing_that_is_shown_spells_a_command_by_itself() -> None:
    shown = [*(ROOT / "templates").rglob("*.html")]
    for folder in ("reliability", "outbox", "dlq", "sagas"):
        shown += (ROOT / folder).rglob("*.py")
    by_hand = re.compile(r"(?<!``)(?<!`)manage\.py [a-z_]+")
    apart = {ROOT / "reliability/kernel/command_line.py"}
    found = [path for path in shown if path not in apart and by_hand.search(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize("name", OURS)
def test_the_help_of_every_command_ends_with_examples(name: str) -> None:
    command = load_command_class(get_commands()[name], name)
    assert isinstance(command, BaseCommand)
    text = command.create_parser("manage.py", name).format_help()
    assert f"examples:\n  {command_line.spelled(name)}" in text


def test_a_refusal_is_a_sentence() -> None:
    with pytest.raises(CommandError, match=r"^Not today\.$"):
        said(word="no")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"word": "a\x00b"}, "word: a NUL character cannot be part of it."),
        ({"several": ["fine", "a\x00b"]}, "several: a NUL character cannot be part of it."),
        ({"word": b"\xff\xfe".decode(errors="surrogateescape")}, "word: <U+DCFF><U+DCFE> is not UTF-8 text."),
        ({"word": "x" * 20_001}, "word: at most 20,000 characters are read, these are 20,001."),
    ],
)
def test_what_nothing_could_hold_is_refused_before_anything_is_done(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CommandError) as refused:
        said(**options)
    assert str(refused.value) == sentence


def test_no_log_line_stands_between_the_lines_of_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert said() == "an answer\n"
    assert [record.message for record in caplog.records] == ["worth knowing"]
    logging.getLogger("tests.said").info("after it")
    assert caplog.records[-1].message == "after it"


def test_who_debugs_sees_every_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with logs.errors_only():
        logging.getLogger("tests.said").debug("a detail")
    assert [record.message for record in caplog.records] == ["a detail"]


def test_a_python_without_our_libraries_is_told_what_to_type(tmp_path: Path) -> None:
    shutil.copy(ROOT / "manage.py", tmp_path)
    bare = [sys.executable, "-S", "-E", "manage.py", "letters", "list", "--filter", "a b"]  # -S: no site-packages

    def told() -> str:
        done = subprocess.run(bare, cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ))
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return done.stderr

    assert "no module 'django'" in told()
    assert "run: make setup && .venv/bin/python manage.py letters list --filter 'a b'" in told()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    assert "run: .venv/bin/python manage.py letters list --filter 'a b'" in told()


TALKS = """
import django
from django.conf import settings
settings.configure()
django.setup()
from django.core.management import call_command
from reliability.kernel.command_line import PeopleCommand

class Talks(PeopleCommand):
    def handle(self, *args, **options):
        for number in range({lines}):
            self.stdout.write(f"line {{number}}")

call_command(Talks())
"""


@pytest.mark.parametrize("lines", [2, 100_000])
def test_a_reader_who_has_enough_is_no_error(lines: int) -> None:
    quiet = ["bash", "-c", '"$0" -c "$1" | true; echo "${PIPESTATUS[0]}"', sys.executable, TALKS.format(lines=lines)]
    done = subprocess.run(quiet, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    assert done.stdout in ("141\n", "0\n") if lines < 1000 else done.stdout == "141\n"
