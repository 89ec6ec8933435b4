"""Which letters an act is meant for: these ids, a failure group, a filter, or what failed again in a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reliability.kernel import text
from reliability.kernel.errors import Refused

IDS_MAX = 10_000
"""Ids named one by one; more than that is a filter."""

_KINDS = ("ids", "group", "filter", "failed_of")
_BIGGEST_ID = 2**63 - 1


class BadScope(Refused):
    """A scope is one of {"ids": [1, 2]}, {"group": 3}, {"filter": "topic:orders"}, {"failed_of": 4}."""

    code = "bad-scope"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Exactly one of the four is set. ``up_to``: of a group or a filter only the letters up to this id, so that an act
    means those that were counted, however many arrive meanwhile."""

    ids: tuple[int, ...] | None = None
    group: int | None = None
    filter: str | None = None
    failed_of: int | None = None  # a run's id
    up_to: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return the form in which it is sent, stored and shown."""
        if self.ids is not None:
            return {"ids": list(self.ids)}
        return {kind: getattr(self, kind) for kind in (*_KINDS, "up_to") if getattr(self, kind) is not None}

    def in_words(self) -> str:
        """Return what it says, for people."""
        if self.ids is not None:
            return "1 letter" if len(self.ids) == 1 else f"{len(self.ids)} letters"
        if self.group is not None:
            return f"group {self.group}"
        if self.failed_of is not None:
            return f"what failed again in replay {self.failed_of}"
        return f"filter {self.filter or '(all letters)'}"


def parse(value: object) -> Scope:
    """Read a scope as a client sends it; raise ``BadScope``."""
    if not isinstance(value, Mapping):
        raise BadScope
    named = {kind: content for kind, content in value.items() if kind != "up_to"}
    if len(named) != 1:
        raise BadScope
    ((kind, content),) = named.items()
    if "up_to" in value:
        if kind not in ("group", "filter"):
            raise BadScope("Only a group or a filter has an up_to.")
        return replace(parse(named), up_to=_id(value["up_to"]))
    if kind == "ids":
        return Scope(ids=_ids(content))
    if kind == "filter" and isinstance(content, str):
        if not text.is_storable(content):
            raise BadScope("A filter cannot hold the character NUL or half a character.")
        return Scope(filter=content.strip())
    if kind == "group":
        return Scope(group=_id(content))
    if kind == "failed_of":
        return Scope(failed_of=_id(content))
    raise BadScope


def _ids(content: object) -> tuple[int, ...]:
    if not isinstance(content, list | tuple) or not content:
        raise BadScope("ids is a list with at least one id.")
    if len(content) > IDS_MAX:
        raise BadScope(f"At most {IDS_MAX:,} ids can be named; use a group or a filter for more.")
    return tuple(sorted({_id(each) for each in content}))


def _id(content: object) -> int:
    if isinstance(content, bool) or not isinstance(content, int) or not 0 < content <= _BIGGEST_ID:
        raise BadScope("An id is a positive whole number.")
    return content
