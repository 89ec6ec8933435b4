"""A side that is a query of this project's models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import DatabaseError
from django.db.models import F, QuerySet, TextField
from django.db.models.functions import Cast, Collate

from sagas.domain.reconciling.definition import Looked, SideError
from sagas.domain.reconciling.pair import Row

AT_A_TIME: Final = 2_000  # rows between two trips to the server: what is held of a side while it is read whole
_KEY: Final = "reconciled_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class DjangoRows:
    """The rows of a query; see ``rows``."""

    what: str
    query: Callable[[], QuerySet[Any]]
    key: str
    fields: Sequence[str]
    streams: bool = True
    looks_up: bool = True

    def stream(self) -> Iterator[tuple[str, Row]]:
        """Yield every row in the order of the keys' bytes, some at a time; raises ``SideError``."""
        # The order is that of bytes, which is that of Python's texts, whatever the database's own collation is.
        text = Cast(F(self.key), TextField())
        found = self._values().order_by(Collate(text, "C"))
        try:
            for row in found.iterator(chunk_size=AT_A_TIME):
                yield row.pop(_KEY), row
        except DatabaseError as error:
            raise SideError(f"{self.what} could not be read: {error}") from error

    def lookup(self, keys: Sequence[str]) -> Looked:
        """Return the rows of some keys; a database that does not answer leaves all of them unread."""
        found: dict[str, list[Row]] = defaultdict(list)
        try:
            for row in self._values().filter(**{f"{_KEY}__in": list(keys)}):
                found[row.pop(_KEY)].append(row)
        except DatabaseError as error:
            return Looked(unread=dict.fromkeys(keys, f"{self.what} could not be read: {error}"))
        return Looked(rows=found)

    def _values(self) -> QuerySet[Any, dict[str, Any]]:
        keyed: QuerySet[Any] = self.query().annotate(**{_KEY: Cast(F(self.key), TextField())})
        return keyed.values(_KEY, *self.fields)


def rows(what: str, *, query: Callable[[], QuerySet[Any]], key: str, fields: Sequence[str]) -> DjangoRows:
    """Return a side that reads ``fields`` of a Django query; ``key`` is the field that both sides share.

    ``what`` names it in sentences, such as "orders". ``query`` is called for each look.
    """
    return DjangoRows(what=what, query=query, key=key, fields=tuple(fields))
