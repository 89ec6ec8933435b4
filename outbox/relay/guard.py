"""Notices a database that is not the one it was: a restore or a failover may have taken places and epochs back."""

from __future__ import annotations

from django.db import connection, transaction

from outbox.domain.event import SHARDS
from outbox.domain.numbering import EPOCH_JUMP
from reliability.kernel.errors import MainstayError

_PLACE = (
    "SELECT system_identifier::text, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) FROM pg_control_system()"
)


class Halted(MainstayError):
    """The relays of this outbox are halted until an operator lets them go on."""


class WrongOutbox(MainstayError):
    """The settings do not fit the outbox in this database."""


def check(*, outbox: str) -> None:
    """Raise ``Halted`` when this database is not the one that was sent from, or was halted before.

    Halting raises every epoch and takes all leases, so that no relay that remembers the time before goes on. Also
    raises ``WrongOutbox``: the number of shards is fixed with the first event, and so is the name, which is part of
    every number that was sent.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PLACE)
        identifier, timeline = cursor.fetchone()
        cursor.execute("SELECT name, shards, system_identifier, timeline, halt_reason FROM outbox_setting")
        name, shards, known_identifier, known_timeline, halt_reason = cursor.fetchone()
        if not name:
            cursor.execute("UPDATE outbox_setting SET name = %s WHERE name = ''", [outbox])
        elif name != outbox:
            raise WrongOutbox(f"MAINSTAY_OUTBOX_NAME is {outbox}, but the outbox in this database is {name}")
    if shards != SHARDS:
        raise WrongOutbox(f"this outbox has {shards} shards, this program {SHARDS}")
    if halt_reason:
        raise Halted(halt_reason)
    if identifier != known_identifier:
        raise Halted(halt("the database is another server's: it was restored from a dump or a base backup"))
    if timeline != known_timeline:
        raise Halted(halt(f"the database went from timeline {known_timeline} to {timeline}: a failover or a restore"))


def halt(reason: str) -> str:
    """Halt all relays for ``reason``; return it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_setting SET halted_at = clock_timestamp(), halt_reason = %s WHERE halt_reason = ''", [reason]
        )
        cursor.execute("UPDATE outbox_shard SET owner = '', until = NULL, epoch = epoch + %s", [EPOCH_JUMP])
    return reason
