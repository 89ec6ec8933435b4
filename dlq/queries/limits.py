"""How long a search may run: a page shall answer, and a search that cannot says so instead of holding the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from reliability.kernel import clock
from reliability.kernel.errors import Refused

SEARCH_S = 3.0
SCOPE_S = 5.0  # a plan or a discard looks at every letter of its scope, some statements together
SHORTEST_S = 0.01  # PostgreSQL takes 0 for no limit
COUNT_S = 1.0  # an exact number is worth less waiting than the letters themselves
COUNT_MAX = 10_000  # beyond, "10,000+" tells as much


class TooSlow(Refused):
    """This search takes too long: name a topic:, a group: or a failure:, or a shorter age<."""

    code = "search-too-slow"
    status = 422


@dataclass(slots=True)
class _Budget:
    """What is left of the time that several statements have together."""

    left_s: float


_BUDGET: ContextVar[_Budget | None] = ContextVar("dlq_budget", default=None)


@contextmanager
def in_all(seconds: float) -> Iterator[None]:
    """Let what ``at_most`` limits inside run for so many seconds altogether, whatever else is done in between."""
    token = _BUDGET.set(_Budget(seconds))
    try:
        yield
    finally:
        _BUDGET.reset(token)


@contextmanager
def at_most(seconds: float, *, whole_tables: bool = False) -> Iterator[None]:
    """Let each statement inside run for so many seconds, or for what ``in_all`` has left; raises ``TooSlow``.

    Whole tables are not read for it: a page wants the newest few that fit, and walking an index finds those without
    looking at the rest. The planner, which cannot know how many letters hold a word, would often think otherwise.
    ``whole_tables``: what is inside looks at most letters anyway.
    """
    budget, began_s = _BUDGET.get(), clock.SYSTEM.monotonic()
    seconds = seconds if budget is None else min(seconds, budget.left_s)
    if seconds < SHORTEST_S:
        raise TooSlow
    try:
        with transaction.atomic():
            before = _set(f"{round(seconds * 1000)}ms", "on" if whole_tables else "off")
            yield
            _set(*before)
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooSlow from error
        raise
    finally:
        if budget is not None:
            budget.left_s -= clock.SYSTEM.monotonic() - began_s


def _set(timeout: str, whole_tables: str) -> tuple[str, str]:
    """Set both for this transaction; return what they were."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('enable_seqscan')")
        before: tuple[str, str] = cursor.fetchone()
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true), set_config('enable_seqscan', %s, true)",
            [timeout, whole_tables],
        )
        return before
