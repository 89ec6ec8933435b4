"""What ``manage.py letters`` takes for a replay and a discard, and how it is read."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError, CommandParser

from dlq.domain import scope as scopes
from dlq.domain.plan import Terms
from dlq.domain.run import FAILED_LIMIT, FAILURES_MIN
from dlq.domain.scope import Scope
from dlq.models import ReplayPlan
from dlq.operations import plans
from reliability.kernel import command_line

FILTER_HELP = "as on the pages; words find parts: ord-1 also finds ord-17, key:ord-1 that key alone"
FAILED_LIMIT_HELP = (
    "a share from 0 to 1: the run stops by itself when more than this share of the letters whose outcome is known "
    f"failed again or were refused, and at least {FAILURES_MIN} did; or 'never'; {FAILED_LIMIT} ({FAILED_LIMIT:.0%}) "
    "unless given"
).replace("%", "%%")  # argparse reads % as a format
REASON = "…"  # for the reader to fill in


def add_scope(sub: CommandParser) -> Any:
    """Add what says which letters, why, and to do it; returns the group of which exactly one is given."""
    scope = sub.add_mutually_exclusive_group(required=True)
    scope.add_argument("--ids", type=id_of, nargs="+", metavar="ID", help="letters by their ids")
    scope.add_argument("--group", type=id_of, metavar="ID", help="a failure group")
    scope.add_argument("--filter", metavar="SEARCH", help=FILTER_HELP)
    scope.add_argument("--failed-of", type=id_of, metavar="RUN", help="what failed again in a replay")
    sub.add_argument(
        "--up-to", type=id_of, metavar="ID", help="of a group or a filter only letters up to this id: none that come"
    )
    sub.add_argument("--reason", default="", help="why: --yes takes a reason")
    sub.add_argument("--yes", action="store_true", help="do it; without this nothing is changed")
    return scope


def add_terms(sub: CommandParser) -> None:
    """Add how a replay goes. Nothing has a default here, so that ``check_plan`` sees what was typed."""
    sub.add_argument("--hash", metavar="H", help="of the plan that --plan names, as it was shown: another is refused")
    sub.add_argument("--rate", type=float, help="items per second")
    sub.add_argument("--target", help="origin (unless given), group, or topic:NAME")
    sub.add_argument("--include", action="append", help="quarantined, headers_unreadable")
    sub.add_argument("--failed-limit", metavar="SHARE", help=FAILED_LIMIT_HELP)


def check_plan(options: dict[str, Any]) -> None:
    """Refuse what would be taken for part of a plan and is not; raises ``CommandError``."""
    if options["plan"] is None:
        if options["hash"] is not None:
            raise CommandError("--hash belongs to a plan that was drawn before: name it with --plan.")
        return
    kept = ("up_to", "rate", "target", "include", "failed_limit")
    if given := [f"--{name.replace('_', '-')}" for name in kept if options[name] is not None]:
        raise CommandError(f"A plan is approved as it was drawn: {', '.join(given)} would change it. Draw a new one.")
    if options["yes"] and not options["hash"]:
        raise CommandError("A plan is approved with the hash that was shown: add --hash.")


def approval(plan: ReplayPlan, *, account: str) -> str:
    """Return the command that approves this very plan."""
    words = ("--plan", str(plan.pk), "--hash", plan.hash, "--reason", REASON, "--yes", "--as", account)
    return command_line.spelled("letters", "replay", *words)


def scope_of(options: dict[str, Any]) -> Scope:
    """Read which letters are meant; raises ``BadScope``."""
    kinds = ("ids", "group", "filter", "failed_of", "up_to")
    return scopes.parse({kind: options[kind] for kind in kinds if options[kind] is not None})


def terms_of(options: dict[str, Any]) -> Terms:
    """Read how a replay goes; raises ``BadPlan``, ``CommandError``."""
    kind, _, topic = (options["target"] if options["target"] is not None else "origin").partition(":")
    limit = options["failed_limit"]
    return plans.terms(
        target={"kind": kind, "topic": topic},
        rate=options["rate"],
        failed_limit=FAILED_LIMIT if limit is None else _share(limit),
        include=options["include"] or (),
    )


def id_of(text: str) -> int:
    """Read an id; whether there is such a thing is not known here."""
    try:
        return int(text)
    except ValueError:
        sentence = "is no id: ids are the whole numbers that the lists print, several with spaces between them"
        raise ArgumentTypeError(f"{text[:40]!r} {sentence}") from None


def limit_of(text: str) -> int:
    """Read how many to list: 1 or more."""
    try:
        limit = int(text)
    except ValueError:
        limit = 0
    if limit < 1:
        raise ArgumentTypeError(f"{text[:40]!r} is no number of things to list: give 1 or more")
    return limit


def check_reason(options: dict[str, Any], *, example: tuple[str, ...]) -> None:
    """Refuse an act without a reason before anything is counted."""
    if options["yes"] and not options["reason"].strip():
        raise CommandError(f"A reason is required: add --reason, as in: {command_line.spelled(*example)}")


def _share(text: str) -> float | None:
    try:
        return None if text == "never" else float(text)
    except ValueError as error:
        told = f"--failed-limit is a share from 0 to 1, or never, not {text[:40]!r}. What it does: "
        raise CommandError(told + command_line.spelled("letters", "replay", "--help")) from error
