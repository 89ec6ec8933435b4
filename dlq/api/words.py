"""What several routes share: checked texts, scopes, paging."""

from __future__ import annotations

from typing import Annotated, Any

from ninja import Field, Schema

# No NUL, which PostgreSQL's text has no room for.
Text = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Limit = Annotated[int, Field(ge=1, le=500)]

LIMIT = 100


class Paging(Schema):
    """Which page of a list: ``cursor`` is the ``next`` of the page before."""

    cursor: Id | None = None
    limit: Limit = LIMIT


Scope = Annotated[
    dict[str, Any],
    Field(
        description="Which letters: exactly one of `ids` (a list), `group` (a failure group's id), `filter` (the search"
        " grammar of the pages) and `failed_of` (a replay's id: what failed again in it).",
        examples=[{"ids": [1, 2]}, {"group": 12}, {"filter": "topic:orders error:Timeout"}, {"failed_of": 7}],
    ),
]
