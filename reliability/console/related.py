"""Everything that is known of one thing, from every room that registered for its kind, gathered side by side.

One slow or broken room is a section that says so; it takes neither the page nor the other sections away.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import connection, transaction
from django.urls import reverse
from psycopg.errors import QueryCanceled

from reliability import access
from reliability.console import outage
from reliability.console.crew import Answer, Crew
from reliability.console.domain.values import Part, Section, SectionState, TimelineRow
from reliability.console.registry import REGISTRY, Registry, Related
from reliability.kernel import clock
from reliability.kernel.errors import MainstayError, Refused

log = structlog.get_logger(__name__)

WITHIN_S = 1.5  # a reader waits this long for the slowest room, and no longer
RUNNING_MAX = 4  # of a pool of eight: the page gives its own connection back meanwhile, two are left free for such
SHORTEST_MS = 10  # PostgreSQL takes 0 for no limit
ID_CHARACTERS_MAX = 200  # as many as keys and aggregates are kept with
PARTS_MAX = 20  # of one section: a page is read by a person
HAPPENED_MAX = 150  # lines of the timeline
PAGES = {"order": "console:order"}
"""The kinds that have a page, and its route."""

CREW = Crew(RUNNING_MAX)


class WrongId(Refused):
    """This cannot be the id of anything."""

    code = "wrong-id"
    status = 404


class NothingKnown(Refused):
    """Nothing is known of it."""

    code = "nothing-known"
    status = 404


class TooLate(MainstayError):
    """The time for an answer is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """A line of the merged timeline; ``source`` is the section it comes from."""

    source: str
    row: TimelineRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """What is known of the thing ``id`` at ``at``: sections in their order, and what happened, the newest first.

    ``older``: lines of the timeline that are left out, the oldest. ``is_limited``: topics are hidden from who asked,
    and with them whatever belongs to them.
    """

    kind: str
    id: str
    at: datetime
    sections: tuple[Section, ...]
    happened: tuple[Happened, ...] = ()
    older: int = 0
    is_limited: bool = False

    @property
    def is_known(self) -> bool:
        """Whether any room knows something."""
        return any(section.state == "ok" for section in self.sections)

    @property
    def missing(self) -> tuple[Section, ...]:
        """The sections without an answer: what they know is missing."""
        return tuple(section for section in self.sections if not section.is_answered)

    @property
    def itself(self) -> Part | None:
        """The thing, as the room that owns it tells it; None when there is none, or it is not known now."""
        return next((part for section in self.owners for part in section.parts), None)

    @property
    def owners(self) -> tuple[Section, ...]:
        """The sections that would be the thing itself."""
        return tuple(section for section in self.sections if section.is_itself)

    @property
    def is_not_owned(self) -> bool:
        """Whether those whose thing it would be say that they have none of this id."""
        return bool(self.owners) and all(section.state == "empty" for section in self.owners)

    def shown(self) -> object:
        """What a reader would notice, without how long it took; for the hash of the live region."""
        return [
            [(each.name, each.state, each.error, each.parts, each.left_out) for each in self.sections],
            self.happened,
        ]


def check(thing: str) -> None:
    """Raise ``WrongId`` for what is no id that a page can be addressed by."""
    if not thing or len(thing) > ID_CHARACTERS_MAX:
        raise WrongId(f"An id has 1 to {ID_CHARACTERS_MAX} characters, this one has {len(thing):,}.")
    if not thing.isprintable():
        raise WrongId("An id has only characters that can be seen; this one has others.")
    if any(step in (".", "..") for step in thing.split("/")):
        raise WrongId("An id with a step of dots cannot be addressed: browsers take it out.")


def url(kind: str, thing: str) -> str:
    """Return the address of the page with everything about a thing, "" where there can be none."""
    try:
        check(thing)
    except WrongId:
        return ""
    return reverse(PAGES[kind], args=[thing])


def everything(
    *,
    actor: access.Actor,
    kind: str,
    thing: str,
    now: datetime,
    registry: Registry = REGISTRY,
    crew: Crew = CREW,
    within_s: float | None = None,
    only: Collection[str] = (),
) -> Everything:
    """Return what every room knows of a thing, as the actor may see it, after ``within_s`` seconds at the latest:
    ``WITHIN_S`` unless it is said. ``only``: the names of the sections that are wanted; empty means all.

    Raises ``WrongId``, and what rooms raise when there is no connection to the database for any of them.
    """
    check(thing)
    sources = [source for source in _in_order(registry.related.get(kind, {})) if _may(actor, source)]
    sources = [source for source in sources if not only or source.name in only]
    within_s = WITHIN_S if within_s is None else within_s
    end_s = clock.SYSTEM.monotonic() + within_s
    questions = {f"{kind}: {each.name}": _question(each, actor, thing, end_s) for each in sources}
    if not connection.in_atomic_block:  # whoever holds a transaction around the request keeps it
        connection.close()  # to the pool: those who ask need one each, and this thread only waits
    answers = crew.ask(questions, within_s=within_s)
    _raise_without_database(answers)
    sections = tuple(_section(each, answers[f"{kind}: {each.name}"], within_s=within_s) for each in sources)
    happened, older = _happened(actor, sections)
    return Everything(
        kind=kind,
        id=thing,
        at=now,
        sections=sections,
        happened=happened,
        older=older,
        is_limited=not access.visible_topics(actor).is_everything,
    )


def _in_order(sources: Mapping[str, Related]) -> list[Related]:
    return sorted(sources.values(), key=lambda source: (source.order, source.name))


def _may(actor: access.Actor, source: Related) -> bool:
    try:
        access.admit(actor, source.act)
    except access.Denied:
        return False
    return True


def _question(source: Related, actor: access.Actor, thing: str, end_s: float) -> Callable[[], Sequence[Part]]:
    def ask() -> Sequence[Part]:
        left_s = end_s - clock.SYSTEM.monotonic()
        with _bounded(left_s, end_s):
            return source.ask(actor, thing, left_s)

    return ask


@contextmanager
def _bounded(left_s: float, end_s: float) -> Iterator[None]:
    """A transaction that reads only, in which no statement begins after the end or goes on for longer than is left."""

    def execute(run: Callable[..., Any], *statement: Any) -> Any:
        if clock.SYSTEM.monotonic() >= end_s:
            raise TooLate
        return run(*statement)

    with connection.execute_wrapper(execute), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true), set_config('transaction_read_only', 'on', true)",
                [f"{max(SHORTEST_MS, round(left_s * 1000))}ms"],
            )
        yield


def _raise_without_database(answers: Mapping[str, Answer[Sequence[Part]]]) -> None:
    """Where nobody got a connection there is no page to make: the middleware finds out whether the database is down."""
    lost = [each.error for each in answers.values() if each.error is not None and outage.no_connection(each.error)]
    if lost and not any(each.state == "done" for each in answers.values()):
        raise lost[0]


def _section(source: Related, answer: Answer[Sequence[Part]], *, within_s: float) -> Section:
    parts = tuple(answer.value or ())
    state, error = _state(source, answer, parts, within_s=within_s)
    return Section(
        name=source.name,
        state=state,
        parts=parts[:PARTS_MAX],
        error=error,
        took_ms=round(answer.took_s * 1000, 1) if answer.took_s is not None and state in ("ok", "empty") else None,
        left_out=max(0, len(parts) - PARTS_MAX),
        is_quiet=source.is_quiet,
        is_itself=source.is_itself,
    )


def _state(
    source: Related, answer: Answer[Sequence[Part]], parts: Sequence[Part], *, within_s: float
) -> tuple[SectionState, str]:
    if answer.state == "done":
        return ("ok" if parts else "empty"), ""
    if answer.state == "slow" or _took_too_long(answer.error):
        return "slow", f"{source.name} did not answer within {within_s:g} s."
    if answer.state == "busy":
        return "busy", f"{source.name} was not asked: questions before this one still have no answer."
    if outage.no_connection(answer.error):
        return "busy", f"{source.name} was not asked: no connection to the database was free."
    log.error("related_unread", source=source.name, exc_info=answer.error)
    return "failed", f"{source.name} could not be read; the log has the reason."


def _took_too_long(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, (TooLate, QueryCanceled)):
            return True
        error = error.__cause__
    return False


def _happened(actor: access.Actor, sections: Sequence[Section]) -> tuple[tuple[Happened, ...], int]:
    rows = [
        Happened(source=section.name, row=row)
        for section in sections
        for part in section.parts
        for row in part.happened
        if all(actor.scopes.allows(topic) for topic in row.topics)
    ]
    rows.sort(key=lambda each: each.row.at, reverse=True)
    return tuple(rows[:HAPPENED_MAX]), max(0, len(rows) - HAPPENED_MAX)
