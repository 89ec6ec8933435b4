"""What a test leaves of an outbox is gone with its flush: the next one begins as after the migration."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

import outbox
from outbox import operations
from reliability.kernel import clock
from tests.support.actors import actor
from tests.support.outbox import append, drain, make_relay


def asked(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        (found,) = cursor.fetchone()
        return int(found)


@pytest.mark.parametrize("was_used", [True, False])
def test_nothing_is_left_and_nothing_paused(broker, was_used):
    if was_used:
        append(outbox.Event(topic="orders", key=b"1", value=b"v"))
        drain(make_relay(broker))
    operations.pause(actor=actor(), reason="broker upgrade", now=clock.SYSTEM.now())
    append(outbox.Event(topic="orders", key=b"2", value=b"v"))
    call_command("flush", verbosity=0, interactive=False)
    assert asked("select count(*) from outbox_event") == 0
    assert asked("select count(*) from outbox_shard where paused_at is null and epoch = 0 and snapshot = '3:3:'") == 16
