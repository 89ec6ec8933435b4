"""What the pages' forms and addresses mean: a scope, the terms of a replay. Validation of input only."""

from __future__ import annotations

import json

from django.http import QueryDict

from dlq.domain import plan as plans
from dlq.domain import run as runs
from dlq.domain import scope as scopes
from dlq.domain.plan import Terms
from dlq.domain.scope import BadScope, Scope
from dlq.operations.plans import BadPlan, terms

ID_DIGITS_MAX = 18
NUMBER_CHARS_MAX = 12
NEVER = "never"


def scope_of(sent: QueryDict) -> Scope:
    """Read a scope from a form or an address; raise ``BadScope``.

    Either all that match a filter (``all`` and ``q``), or letters, or failure groups, or a run's failures, or the scope
    of an earlier plan as JSON.
    """
    if "scope" in sent:
        try:
            return scopes.parse(json.loads(sent.get("scope", "")))
        except (ValueError, RecursionError) as error:
            raise BadScope from error
    if "all" in sent:
        return scopes.parse({"filter": sent.get("q", "")})
    if letters := sent.getlist("letter"):
        return scopes.parse({"ids": [_id(each) for each in letters]})
    if groups := sent.getlist("group"):
        ids = sorted({_id(each) for each in groups})
        return scopes.parse({"group": ids[0]} if len(ids) == 1 else {"filter": f"failure:{','.join(map(str, ids))}"})
    if "replay" in sent:
        return scopes.parse({"failed_of": _id(sent.get("replay", ""))})
    raise BadScope("Nothing is selected.")


def address_of(scope: Scope) -> list[tuple[str, str]]:
    """Return the fields that mean this scope, for hidden inputs."""
    return [("scope", json.dumps(scope.as_json()))]


def terms_of(sent: QueryDict) -> Terms:
    """Read the terms of a replay; what is not sent has its default. Raises ``BadPlan``."""
    limit = sent.get("failed_limit", "")
    return terms(
        target={"kind": sent.get("target") or plans.Kind.ORIGIN, "topic": sent.get("topic", "").strip()},
        rate=number_of(sent.get("rate", "")) if sent.get("rate") else None,
        failed_limit=runs.FAILED_LIMIT if not limit else None if limit == NEVER else number_of(limit) / 100,
        include=[each for each in sent.getlist("include") if each],
    )


def _id(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > ID_DIGITS_MAX:
        raise BadScope("An id is a positive whole number.")
    return int(text)


def number_of(text: str) -> float:
    """Read a number; raise ``BadPlan``."""
    try:
        return float(text[:NUMBER_CHARS_MAX])
    except ValueError as error:
        raise BadPlan(f"{text[:NUMBER_CHARS_MAX]!r} is not a number.") from error


def cursor_of(text: str) -> int | None:
    """Read a keyset cursor; anything else means the first page."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= ID_DIGITS_MAX else None
