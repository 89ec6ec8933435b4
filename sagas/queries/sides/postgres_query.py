"""A side that is a query in another PostgreSQL database, with a user who need only read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from sagas.domain.reconciling.definition import Looked, SideError
from sagas.domain.reconciling.pair import Row

AT_A_TIME: Final = 2_000
CONNECT_S: Final = 5
_STREAM: Final = 'SELECT * FROM ({query}) AS side ORDER BY {key}::text COLLATE "C"'
_LOOKUP: Final = "SELECT * FROM ({query}) AS side WHERE {key}::text = ANY(%s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """The rows of a query elsewhere; see ``postgres``."""

    what: str
    url: Callable[[], str]
    query: str
    key: str
    timeout_s: float
    streams: bool = True
    looks_up: bool = True

    def stream(self) -> Iterator[tuple[str, Row]]:
        """Yield every row in the order of the keys' bytes, some at a time; raises ``SideError``."""
        with self._connection() as connection, connection.cursor(name="side") as cursor:
            cursor.itersize = AT_A_TIME
            cursor.execute(self._asked(_STREAM))
            for row in cursor:
                yield self._keyed(row), row

    def lookup(self, keys: Sequence[str]) -> Looked:
        """Return the rows of some keys; a database that does not answer leaves all of them unread."""
        found: dict[str, list[Row]] = defaultdict(list)
        try:
            with self._connection() as connection, connection.cursor() as cursor:
                cursor.execute(self._asked(_LOOKUP), [list(keys)])
                for row in cursor:
                    found[self._keyed(row)].append(row)
        except SideError as error:
            return Looked(unread=dict.fromkeys(keys, str(error)))
        return Looked(rows=found)

    def _asked(self, statement: str) -> sql.Composed:
        # The query is the operator's own, from the code or the settings; as text of ours it may hold no placeholders.
        query = sql.SQL(self.query.replace("%", "%%") if "%s" in statement else self.query)
        return sql.SQL(statement).format(query=query, key=sql.Identifier(self.key))

    def _keyed(self, row: dict[str, Any]) -> str:
        if self.key not in row:
            raise SideError(f"{self.what}: the query has no column {self.key!r}")
        return str(row.pop(self.key))

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[dict[str, Any]]]:
        limit = f"-c statement_timeout={int(self.timeout_s * 1000)} -c default_transaction_read_only=on"
        address = _address(self.url(), self.what)
        try:
            with psycopg.connect(
                address, connect_timeout=CONNECT_S, options=limit, row_factory=dict_row, application_name="mainstay"
            ) as connection:
                yield connection
        except psycopg.Error as error:
            told = str(error).strip().splitlines() or [type(error).__name__]
            raise SideError(f"{self.what} could not be read: {told[0]}") from error


def _address(said: str, what: str) -> str:
    """The address, when it is one: an error of the driver would tell a wrong one, with its secret."""
    try:
        host = str(conninfo_to_dict(said).get("host", ""))
    except psycopg.Error:
        host = "@"
    if "@" in host:
        raise SideError(
            f"{what}: its address is not that of a PostgreSQL: postgresql://user:password@host:5432/name,"
            " with @ in a password written as %40"
        )
    return said


def postgres(what: str, *, url: Callable[[], str], query: str, key: str, timeout_s: float = 30.0) -> Postgres:
    """Return a side that runs ``query`` in another PostgreSQL database, reading only.

    ``url`` returns the address with its secret, so that it stands in the environment and not in the code; ``key`` is
    the query's column that both sides share; ``timeout_s`` is the time for one statement.
    """
    return Postgres(what=what, url=url, query=query.strip().rstrip(";"), key=key, timeout_s=timeout_s)
