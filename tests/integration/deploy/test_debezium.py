"""The connector names columns that the outbox table has, and the publication tells its partitions as one table."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

import outbox
from tests.support import deployed
from tests.support.outbox import append
from tests.support.waiting import wait_until

FOLDER = deployed.DEPLOY / "debezium"
SLOT = f"deploy_test_{os.getpid()}"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def published() -> Iterator[psycopg.Cursor]:
    """A cursor with the publication made, and a slot that reads it."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW wal_level")
        if cursor.fetchone()[0] != "logical":
            pytest.skip("this PostgreSQL has no logical replication: set wal_level = logical")
        cursor.execute((FOLDER / "publication.sql").read_text())
        cursor.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [SLOT])
        try:
            yield cursor
        finally:
            cursor.execute("SELECT pg_drop_replication_slot(%s)", [SLOT])
            cursor.execute("DROP PUBLICATION mainstay_outbox")


def config() -> dict[str, str]:
    document = json.loads((FOLDER / "connector.json").read_text())
    found: dict[str, str] = document["config"]
    assert all(isinstance(value, str) for value in found.values()), "Connect takes strings"
    return found


def test_each_column_that_the_router_is_told_is_one_of_the_table() -> None:
    said = config()
    router = {name.removeprefix("transforms.outbox."): value for name, value in said.items()}
    fields = [router[f"table.field.event.{name}"] for name in ("id", "key", "payload")]
    fields += [each.partition(":")[0] for each in router["table.fields.additional.placement"].split(",")]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'outbox_event'"
        )
        columns = dict(cursor.fetchall())
    assert {*fields, router["route.by.field"]} <= columns.keys()
    assert (columns["key"], columns["value"], columns["partition"]) == ("bytea", "bytea", "integer")
    assert said["publication.name"] in (FOLDER / "publication.sql").read_text()
    assert said["table.include.list"] == "public.outbox_event"


def test_rows_of_every_partition_are_told_as_rows_of_the_one_table(published: psycopg.Cursor) -> None:
    append(outbox.Event(topic="orders.placed", key=b"k-17", value=b"\x00 any bytes \xff"))
    messages: list[bytes] = []

    def is_read() -> bool:  # where commits do not wait for the disk, the log is read a moment later
        published.execute(
            "SELECT data FROM pg_logical_slot_peek_binary_changes"
            "(%s, NULL, NULL, 'proto_version', '1', 'publication_names', 'mainstay_outbox')",
            [SLOT],
        )
        messages[:] = [bytes(row[0]) for row in published.fetchall()]
        return any(each[:1] == b"I" for each in messages)

    wait_until(is_read, within_s=20, what=lambda: f"the row is in the log: {messages}")
    [insert] = [each for each in messages if each[:1] == b"I"]
    published.execute("SELECT 'outbox_event'::regclass::oid::bigint")
    assert int.from_bytes(insert[1:5], "big") == published.fetchone()[0], "told of the table, not of its partition"
    assert b"orders.placed" in insert
    assert b"\\x002061" in insert, "the value's bytes, as PostgreSQL writes them"
