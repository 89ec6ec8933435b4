"""The command line: how a command is spelled to people, and the manners of the commands that people type."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError

from reliability.kernel.errors import Refused
from reliability.kernel.telemetry import logs
from reliability.kernel.text import printable

_CHECKOUT = Path(__file__).resolve().parents[2]
_IN_OUR_ENVIRONMENT = Path(sys.prefix).resolve() == _CHECKOUT / ".venv"
_PYTHON = ".venv/bin/python" if _IN_OUR_ENVIRONMENT else "python"
WORD_CHARS_MAX = 20_000
"""Of one argument: far more than any of ours needs, far less than harms."""


def spelled(*words: str) -> str:
    """Return a command of ``manage.py`` as it is typed in the project's folder, quoted for a shell, to be copied."""
    return shlex.join([_PYTHON, "manage.py", *words])


class HelpfulCommand(BaseCommand):
    """A command whose help ends with examples."""

    examples: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Words after ``manage.py``, one command each."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the line breaks of the description, and put the examples below the options."""
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        kwargs.setdefault("epilog", epilog(self.examples))
        return super().create_parser(prog_name, subcommand, **kwargs)


class PeopleCommand(HelpfulCommand):
    """A command that somebody types and whose answer is read at once.

    A refusal is a sentence and exit status 1; log lines below an error stay away, so that nothing stands between the
    lines of the answer.
    """

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run it; what went wrong and is nobody's bug is said in a sentence."""
        _check_words(options)
        with logs.errors_only():
            try:
                answer = super().execute(*args, **options)
                sys.stdout.flush()
                return answer
            except BrokenPipeError:
                raise SystemExit(_nobody_reads_on()) from None
            except Refused as refused:
                raise CommandError(str(refused)) from refused
            except (OperationalError, InterfaceError) as error:
                first = printable(str(error).strip().partition("\n")[0], limit=300)
                raise CommandError(f"The database could not answer: {first}. Ask: {spelled('doctor')}") from error

    def aside(self, line: str) -> None:
        """Write what is not part of the answer, on standard error; without the colour of an error, as it is none."""
        self.stderr.write(line, style_func=str)


def _nobody_reads_on() -> int:
    """Write no more, as whoever reads has enough (`| head`); return the exit code that shells know."""
    with suppress(OSError, ValueError):  # standard output that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


def epilog(examples: Iterable[tuple[str, ...]]) -> str:
    """Return the last part of a help text."""
    lines = [f"  {spelled(*words)}" for words in examples]
    return "\n".join(["examples:", *lines]) if lines else ""


def _check_words(options: Mapping[str, Any]) -> None:
    """Refuse what no column, no topic and no account could hold; raises ``CommandError``."""
    for name, word in _words(options):
        if len(word) > WORD_CHARS_MAX:
            raise CommandError(f"{name}: at most {WORD_CHARS_MAX:,} characters are read, these are {len(word):,}.")
        if "\x00" in word:
            raise CommandError(f"{name}: a NUL character cannot be part of it.")
        if not _is_unicode(word):
            raise CommandError(f"{name}: {printable(word, limit=80)} is not UTF-8 text.")


def _words(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in options.items():
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, str):
                yield name.replace("_", "-"), each


def _is_unicode(word: str) -> bool:
    """Whether it has no lone surrogate, which is how Python shows bytes that are not UTF-8."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True
