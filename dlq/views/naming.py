"""What a scope is called on a page: failures by their names, each with the address where it is looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from dlq.domain import scope as scopes
from dlq.domain.scope import Scope
from dlq.models import Replay, ReplayPlan
from dlq.queries import groups
from dlq.queries import replays as queries
from reliability import access

NAMED_MAX = 2  # failures of one scope that are named; the rest is a number
_FAILURES = re.compile(r"failure:(\d{1,18}(?:,\d{1,18})*)")

Failure = tuple[int, str]  # a failure group's id and title


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a sentence; ``url`` makes it a link."""

    text: str
    url: str = ""


def of_scope(value: Mapping[str, Any], *, actor: access.Actor) -> list[Part]:
    """Name a scope of which nothing is counted yet."""
    meant = scopes.parse(value)
    return _parts(meant, _titles([meant], actor=actor), ())


def of_plan(plan: ReplayPlan, *, actor: access.Actor) -> list[Part]:
    """Name a plan's scope and the failures in it."""
    meant = scopes.parse(plan.scope)
    return _parts(meant, _titles([meant], actor=actor), queries.failures_in(plan))


def of_runs(runs: Iterable[Replay], *, actor: access.Actor) -> list[list[Part]]:
    """Name the scopes of runs and the failures in them, with two questions in all."""
    listed = list(runs)
    meant = [scopes.parse(run.scope) for run in listed]
    titles = _titles(meant, actor=actor)
    planned = queries.failures_of_plans(run.plan_id for run in listed if run.plan_id)
    return [_parts(scope, titles, planned.get(run.plan_id or 0, ())) for scope, run in zip(meant, listed, strict=True)]


def in_words(parts: Sequence[Part]) -> str:
    """The same without links, for titles and labels."""
    return "".join(part.text for part in parts)


def _parts(meant: Scope, titles: Mapping[int, str], inside: Sequence[Failure]) -> list[Part]:
    named = _groups_of(meant)
    if named:
        return _named([(each, titles.get(each) or f"a failure that is gone (group {each})") for each in named])
    if meant.ids is not None:
        return [Part(text=meant.in_words()), *([Part(text=" of "), *_named(inside)] if inside else [])]
    if meant.failed_of is not None:
        run = Part(text=f"replay #{meant.failed_of}", url=reverse("dlq:run", args=[meant.failed_of]))
        said = [Part(text="what failed again in "), run]
    else:
        url = f"{reverse('dlq:letters')}?{urlencode({'q': meant.filter or ''})}"
        said = [Part(text="letters that fit "), Part(text=meant.filter, url=url)] if meant.filter else []
        said = said or [Part(text="all letters", url=reverse("dlq:letters"))]
    return [*said, *([Part(text=": "), *_named(inside)] if inside else [])]


def _named(failures: Sequence[Failure]) -> list[Part]:
    """ "A, B and 3 more failures", each of the named ones a link."""
    parts: list[Part] = []
    for group_id, title in failures[:NAMED_MAX]:
        parts += [Part(text=", ")] if parts else []
        parts.append(Part(text=title, url=reverse("dlq:group", args=[group_id])))
    more = len(failures) - NAMED_MAX
    return [*parts, *([Part(text=f" and {more} more failure{'' if more == 1 else 's'}")] if more > 0 else [])]


def _groups_of(meant: Scope) -> list[int]:
    """The failure groups that a scope names: the one, or those ticked in the list."""
    if meant.group is not None:
        return [meant.group]
    ticked = _FAILURES.fullmatch(meant.filter or "")
    return [int(each) for each in ticked[1].split(",")] if ticked else []


def _titles(meant: Iterable[Scope], *, actor: access.Actor) -> dict[int, str]:
    """The names of those groups that the actor may see."""
    wanted = {each for scope in meant for each in _groups_of(scope)}
    if not wanted:
        return {}
    seen = groups.visible(actor).filter(id__in=wanted)
    return groups.titles(seen.values_list("id", flat=True))
