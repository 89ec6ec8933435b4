"""The inbox and the database as the consume loop asks for them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from django.db import InterfaceError, OperationalError, connection, transaction

from outbox import inbox
from reliability.kafka import ports
from reliability.kafka.incoming import Incoming
from reliability.kernel.errors import Transient

# SQLSTATE: serialisation failure, deadlock, lock not available, statement cancelled.
_CONTENDED = frozenset({"40001", "40P01", "55P03", "57014"})
# Classes and codes that say the server is not there for us: connection, shutdown, starting up, no place left.
_AWAY_CLASSES = ("08", "57P")
_AWAY_CODES = frozenset({"53300"})


class Contended(Transient):
    """The database refused because others were in the way: a lock, a deadlock or a time limit."""


class InboxAdmission:
    """See ``reliability.kafka.ports.Admission``; one consumer's rows."""

    def __init__(self, consumer: str) -> None:
        self._consumer = consumer

    @contextlib.contextmanager
    def unit(self) -> Iterator[None]:
        """A transaction. Afterwards a broken connection is dropped, so that the next one starts with another."""
        try:
            with transaction.atomic():
                yield
        except OperationalError as error:
            connection.close_if_unusable_or_obsolete()
            if sqlstate(error) in _CONTENDED:
                raise Contended(str(error)) from error
            raise
        except InterfaceError:
            connection.close_if_unusable_or_obsolete()
            raise

    def admit(self, batch: Sequence[Incoming]) -> list[bool]:
        """See the port."""
        return inbox.admit(self._consumer, [inbox.Delivery(one.message_id, one.attempt) for one in batch])

    def settle(self, incoming: Incoming, verdict: ports.Verdict) -> None:
        """See the port."""
        inbox.settle(self._consumer, incoming.message_id, verdict)

    def begin(self, incoming: Incoming) -> int:
        """See the port."""
        with _dropping_what_broke():
            return inbox.begin(self._consumer, incoming.partition, incoming.record.offset)

    def end(self, incoming: Incoming) -> None:
        """See the port."""
        with _dropping_what_broke():
            inbox.end(self._consumer, incoming.partition, incoming.record.offset)

    def is_away(self, error: Exception) -> bool:
        """See the port."""
        if isinstance(error, InterfaceError):
            return True
        if not isinstance(error, OperationalError):
            return False
        code = sqlstate(error)
        return code is None or code.startswith(_AWAY_CLASSES) or code in _AWAY_CODES


def sqlstate(error: Exception) -> str | None:
    """The server's code of an error; None when the server never answered."""
    return getattr(error.__cause__, "sqlstate", None)


@contextlib.contextmanager
def _dropping_what_broke() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError):
        connection.close_if_unusable_or_obsolete()
        raise
