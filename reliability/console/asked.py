"""What a request to the API may name: an unknown key or parameter is refused, never passed over.

A key that is spelled wrong and passed over makes an act larger: all shards where one was meant.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, get_type_hints

from django.http import HttpRequest
from ninja import Schema
from ninja.params.models import Query
from pydantic import BaseModel, ConfigDict, model_validator

from reliability.kernel.errors import Refused
from reliability.kernel.text import printable

View = Callable[..., Any]
NAME_CHARS_MAX = 60
NAMES_SAID = 3
NOTHING = frozenset({b"", b"{}"})


class UnknownName(Refused):
    """The request names something that this address does not know."""

    code = "unknown-name"
    status = 422


class Asked(Schema):
    """The base of every body: only keys that it knows."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, given: Any) -> Any:
        if isinstance(given, dict):
            _refuse_unknown("key", given=given, known=_names(cls))
        return given


def only_known(view: View) -> View:
    """Wrap an operation: query parameters that it does not know, and a body where it takes none, are refused.

    For ``NinjaAPI.add_decorator``: asked after who is there is known, and before anything is done.
    """
    known, takes_body = _taken(view)

    @functools.wraps(view)
    def entry(request: HttpRequest, **values: Any) -> Any:
        _refuse_unknown("parameter", given=request.GET, known=known)
        if not takes_body and _has_body(request):
            raise UnknownName(f"{request.method} takes no body at this address. Nothing was done.")
        return view(request, **values)

    return entry


def _taken(view: View) -> tuple[set[str], bool]:
    """The names of the query's parameters, and whether there is a body."""
    hints = {name: hint for name, hint in get_type_hints(view, include_extras=True).items() if name != "return"}
    known: set[str] = set()
    takes_body = False
    for name, hint in hints.items():
        if any(isinstance(mark, Query) for mark in getattr(hint, "__metadata__", ())):
            known |= _names(hint.__origin__) or {name}
        elif isinstance(hint, type) and issubclass(hint, BaseModel):
            takes_body = True
    return known, takes_body


def _names(model: Any) -> set[str]:
    return {field.alias or name for name, field in getattr(model, "model_fields", {}).items()}


def _has_body(request: HttpRequest) -> bool:
    if request.method in ("GET", "HEAD") or request.content_type == "multipart/form-data":
        return False
    return request.body.strip() not in NOTHING


def _refuse_unknown(what: str, *, given: Iterable[object], known: set[str]) -> None:
    unknown = [printable(str(name), limit=NAME_CHARS_MAX) for name in given if name not in known]
    if not unknown:
        return
    named = ", ".join(f"“{name}”" for name in unknown[:NAMES_SAID])
    there = f"Known are: {', '.join(sorted(known))}." if known else f"This address takes no {what}s."
    raise UnknownName(f"There is no {what} {named} here. {there} Nothing was done.")
