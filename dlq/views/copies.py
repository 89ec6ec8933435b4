"""Acts on letters on the command line, to be copied."""

from __future__ import annotations

from dlq.domain.scope import Scope
from dlq.models import ReplayPlan
from reliability.console.views.copies import REASON, Copy
from reliability.kernel.command_line import spelled

IDS_SPELLED_MAX = 20  # a command with more ids than this is nothing to read or to paste


def command(*words: str, account: str, name: str = "") -> Copy:
    """Return an act of ``manage.py letters``; each needs an account by name."""
    return Copy(name=f"command line: {name or words[0]}", text=spelled("letters", *words, "--as", account))


def approval(plan: ReplayPlan, *, account: str, name: str) -> Copy:
    """Return the command that starts the replay of this very plan."""
    words = ("replay", "--plan", str(plan.pk), "--hash", plan.hash, "--reason", REASON, "--yes")
    return command(*words, account=account, name=name)


def of_plan(plan: ReplayPlan, scope: Scope, *, account: str, name: str) -> list[Copy]:
    """Return the command that draws the same plan anew, if it can be spelled."""
    spelled = _scope(scope)
    if spelled is None:
        return []
    kind = plan.target["kind"]
    target = f"topic:{plan.target['topic']}" if kind == "topic" else kind
    limit = "never" if plan.failed_limit is None else f"{plan.failed_limit:g}"
    words = [*spelled, "--rate", f"{plan.rate:g}", "--target", target, "--failed-limit", limit]
    for each in plan.include:
        words += ["--include", each]
    return [command("replay", *words, account=account, name=name)]


def of_discard(scope: Scope, *, expected: int, account: str) -> list[Copy]:
    """Return the command that discards the same letters or none, if it can be spelled."""
    spelled = _scope(scope)
    if spelled is None:
        return []
    return [command("discard", *spelled, "--expect", str(expected), "--reason", REASON, "--yes", account=account)]


def _scope(scope: Scope) -> list[str] | None:
    if scope.ids is not None:
        return ["--ids", *map(str, scope.ids)] if len(scope.ids) <= IDS_SPELLED_MAX else None
    if scope.failed_of is not None:
        return ["--failed-of", str(scope.failed_of)]
    named = ["--group", str(scope.group)] if scope.group is not None else ["--filter", scope.filter or ""]
    return named if scope.up_to is None else [*named, "--up-to", str(scope.up_to)]
