"""The filter of the list of sagas, as addresses and forms carry it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.http import QueryDict

from reliability.console.domain import wording as spans
from reliability.kernel import text
from sagas.domain.state import Status
from sagas.queries.lists import OPEN, STUCK, Filter, WrongFilter
from sagas.views import wording

TEXT_MAX: Final = 200
AGES: Final = {"": "any age", "15": "older than 15 minutes", "60": "older than an hour", "1440": "older than a day"}
NAMES: Final = ("q", "state", "definition", "step", "error", "age")
STATES: Final = frozenset({"", OPEN, STUCK, *Status})
_MINUTE_S: Final = 60


def shown(values: QueryDict) -> dict[str, str]:
    """Return what the address narrows a list to; what it cannot mean is left out."""
    typed = {name: values.get(name, "").replace("\x00", "").strip()[:TEXT_MAX] for name in NAMES}
    typed["state"] = typed["state"] if typed["state"] in STATES else ""
    typed["age"] = typed["age"] if typed["age"] in AGES else ""
    return typed


def meant(values: QueryDict) -> dict[str, str]:
    """Return the same for an act, where nothing is left out: that would make it larger. Raises ``WrongFilter``."""
    typed = {name: values.get(name, "").strip() for name in NAMES}
    for name, value in typed.items():
        if len(value) > TEXT_MAX or not text.is_storable(value):
            raise WrongFilter(f"{name}: at most {TEXT_MAX} characters, and no NUL.")
    if typed["state"] not in STATES:
        raise WrongFilter(f"{text.printable(typed['state'], limit=40)!r} is no state.")
    if typed["age"] not in AGES:
        raise WrongFilter(f"{text.printable(typed['age'], limit=40)!r} is no age.")
    return typed


def wanted(typed: Mapping[str, str]) -> Filter:
    """Return what a list is asked with."""
    return Filter(
        key=typed["q"],
        state=typed["state"],
        definition=typed["definition"],
        step=typed["step"],
        error=typed["error"],
        older_than=timedelta(minutes=int(typed["age"])) if typed["age"] else None,
    )


def asked(typed: Mapping[str, str]) -> dict[str, Any]:
    """Return what a bulk act is asked with."""
    found: dict[str, Any] = {name: typed[name] for name in NAMES[1:-1] if typed[name]}
    found |= {"key": typed["q"]} if typed["q"] else {}
    return found | ({"older_than_seconds": int(typed["age"]) * _MINUTE_S} if typed["age"] else {})


def typed_of(asked_for: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what was typed for that, where it can be typed."""
    seconds = asked_for.get("older_than_seconds")
    age = "" if seconds is None else str(seconds // _MINUTE_S) if seconds % _MINUTE_S == 0 else "?"
    if "ids" in asked_for or age not in AGES:
        return None
    texts = {name: str(asked_for.get(name, "")) for name in NAMES[1:-1]}
    return {"q": str(asked_for.get("key", "")), **texts, "age": age}


def address(typed: Mapping[str, str]) -> str:
    """Return it as a query string, without what narrows nothing."""
    return urlencode({name: value for name, value in typed.items() if value})


def _state(name: str) -> str:
    return wording.STATUSES[Status(name)][1].lower() if name in set(Status) else name


def in_words(asked_for: Mapping[str, Any]) -> str:
    """Say what was asked for."""
    if "ids" in asked_for:
        return "chosen one by one"
    older = asked_for.get("older_than_seconds")
    said = [_state(asked_for["state"])] if asked_for.get("state") else []
    said += [f"{name} {asked_for[name]}" for name in ("definition", "step") if asked_for.get(name)]
    said += [f"key begins with {asked_for['key']}"] if asked_for.get("key") else []
    said += [f"error has {asked_for['error']}"] if asked_for.get("error") else []
    said += [f"older than {spans.span(older)}"] if older is not None else []
    said += [f"the first {asked_for['first']:,}"] if asked_for.get("first") else []
    return text.printable(", ".join(said), limit=TEXT_MAX) or "all of them"
