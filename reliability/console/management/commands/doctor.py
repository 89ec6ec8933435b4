"""``manage.py doctor``: is everything there, and if not, what to do?"""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future
from typing import Any

from django.core.management.base import CommandParser
from django.db import InterfaceError, OperationalError, ProgrammingError, connections
from psycopg import errors as postgresql

from reliability.console.registry import REGISTRY, Check, CheckResult
from reliability.kernel import clock, command_line

ANSWER_WITHIN_S = 8.0
"""Longer than each check's own wait: only what hangs without a limit meets this one."""
_WORDS = {"ok": "OK", "warn": "WARN", "fail": "FAIL"}


class Command(command_line.PeopleCommand):
    """Run every registered check; exit 1 when one fails. Warnings do not fail."""

    help = "Checks the database, Redis, Kafka, time limits, processes and the audit, and says what to do."
    examples = (("doctor",), ("doctor", "--json"))
    requires_system_checks: list[str] = []  # a broken system is what this command is for

    def add_arguments(self, parser: CommandParser) -> None:
        """Define ``--json``."""
        parser.add_argument("--json", action="store_true", help="one JSON document instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check and print."""
        results = _results()
        failed = any(result.verdict == "fail" for _, result in results)
        if options["json"]:
            self.stdout.write(
                json.dumps({"ok": not failed, "checks": [_document(*each) for each in results]}, indent=1)
            )
        else:
            width = max(len(name) for name, _ in results)
            for name, result in results:
                self.stdout.write(_line(name, result, width=width))
        if failed:
            raise SystemExit(1)


def _results() -> list[tuple[str, CheckResult]]:
    """Run all checks side by side, so that servers that are down are waited for once, and return them in order."""
    answers = [(check.name, _asked(check)) for check in REGISTRY.checks.values()]
    end_s = clock.SYSTEM.monotonic() + ANSWER_WITHIN_S
    return [(name, _answer(asked, end_s - clock.SYSTEM.monotonic())) for name, asked in answers]


def _asked(check: Check) -> Future[CheckResult]:
    """Run a check in a thread that nobody has to wait for."""
    answer: Future[CheckResult] = Future()

    def run() -> None:
        try:
            answer.set_result(_run(check))
        finally:
            connections.close_all()

    threading.Thread(target=run, name=f"check-{check.name}", daemon=True).start()
    return answer


def _answer(asked: Future[CheckResult], left_s: float) -> CheckResult:
    try:
        return asked.result(timeout=max(0.0, left_s))
    except TimeoutError:
        found = f"no answer within {ANSWER_WITHIN_S:g} s"
        return CheckResult(
            verdict="fail", found=found, remedy="See what else fails here; when nothing does, try again."
        )


def _run(check: Check) -> CheckResult:
    try:
        return check.run()
    except (OperationalError, InterfaceError):
        return CheckResult(verdict="fail", found="unknown without a database", remedy="See the line of the database.")
    except ProgrammingError as error:
        if not isinstance(error.__cause__, postgresql.UndefinedTable | postgresql.UndefinedColumn):
            return _broken(error)
        # Before the first migration, and between new code and its own: nothing is wrong with the check.
        return CheckResult(
            verdict="fail", found="unknown before the migrations", remedy="See the line of the database."
        )
    except Exception as error:  # noqa: BLE001 - shown as the check's result: the other checks must still be seen
        return _broken(error)


def _broken(error: Exception) -> CheckResult:
    text = f"the check itself failed: {type(error).__name__}: {error}"
    return CheckResult(verdict="fail", found=text, remedy="Report this line.")


def _line(name: str, result: CheckResult, *, width: int) -> str:
    first = f"{_WORDS[result.verdict]:<5} {name:<{width}} {result.found}"
    return "\n".join([first, *(f"{'':<{width + 6}} -> {line}" for line in result.remedy.splitlines())])


def _document(name: str, result: CheckResult) -> dict[str, object]:
    return {
        "name": name,
        "verdict": result.verdict,
        "found": result.found,
        "remedy": result.remedy,
        "facts": result.facts,
    }
