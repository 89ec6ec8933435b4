"""The same reset on the command line and over HTTP, to be copied."""

from __future__ import annotations

from django.http import HttpRequest

from reliability import access
from reliability.console.views.copies import REASON, Copy, curl
from reliability.kernel.command_line import spelled
from reliability.lag.domain import reset_words
from reliability.lag.domain.reset import How
from reliability.lag.models.resets import State
from reliability.lag.queries.resets import Seen


def of(request: HttpRequest, seen: Seen) -> list[Copy]:
    """Return what previews and applies the same."""
    account, made = access.actor_of(request).account, seen.made
    end = ["--reason", REASON, "--yes", "--as", account]
    applied = curl(
        request, f"/lag/resets/{made.pk}/application", {"hash": made.hash, "reason": REASON}, name="apply this preview"
    )
    plan = ["lag_reset", "--plan", str(made.pk), "--hash", made.hash]
    typed = Copy(name="command line: apply this preview", text=spelled(*plan, *end))
    applies = [typed, applied] if made.state == State.PLANNED else []
    if made.undoes_id is not None:
        planned = curl(request, f"/lag/resets/{made.undoes_id}/undo", {}, name="preview")
        return [
            *applies,
            Copy(
                name="command line: preview and apply", text=spelled("lag_reset", "--undo", str(made.undoes_id), *end)
            ),
            planned,
        ]
    command = [*_target(seen), *(f"--topic={topic}" for topic in _topics(seen))]
    where = ["lag_reset", "--cluster", made.group.cluster_id]
    named = ["--", made.group.name]  # last, for a name may begin with a dash
    found = [Copy(name="command line: preview and apply", text=spelled(*where, *command, *end, *named))]
    to = reset_words.requested(made.how, made.target, seen.rows)
    if to is not None:
        body = {"to": to} | ({"topics": _topics(seen)} if _topics(seen) else {})
        found.append(curl(request, f"/lag/groups/{made.group_id}/resets", body, name="preview"))
    return [*applies, *found]


def _target(seen: Seen) -> list[str]:
    how = seen.made.how
    value = "offsets.csv" if how == How.FILE else reset_words.value_in(how, seen.made.target)
    return ["--to", how, value] if value else ["--to", how]


def _topics(seen: Seen) -> list[str]:
    """The topics that were chosen; none where a file names its own, or all of the group's were."""
    made = seen.made
    if made.how == How.FILE or set(made.topics) == set(made.group.topics):
        return []
    shown = {row.topic for row in seen.rows}
    return [topic for topic in made.topics if topic in shown]
