"""The outbox's tables, in SQL: partitions, xid8 and the relay's state are beyond what model fields can say."""

from __future__ import annotations

from django.db import migrations, models

EVENTS = """
-- CACHE 1: with a larger cache each session draws ids ahead, and id order is no longer the order of writers.
CREATE SEQUENCE outbox_event_id AS bigint CACHE 1;

CREATE TABLE outbox_event (
    id bigint NOT NULL DEFAULT nextval('outbox_event_id'),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    shard smallint NOT NULL,
    event_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    topic text NOT NULL,
    partition integer,
    timestamp_ms bigint,
    key bytea,
    value bytea,
    headers bytea NOT NULL,
    raw boolean NOT NULL,
    receipt boolean NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    event_type text NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

CREATE INDEX outbox_event_shard_xid ON outbox_event (shard, xid);

-- The first one and four ahead, of two million ids each (outbox.operations.upkeep makes the others). No DEFAULT
-- partition: every later one would have to scan it, with all writers locked out.
DO $$
BEGIN
    FOR n IN 0..4 LOOP
        EXECUTE format('CREATE TABLE outbox_event_from_%s PARTITION OF outbox_event FOR VALUES FROM (%s) TO (%s)',
                       n * 2000000, n * 2000000, (n + 1) * 2000000);
    END LOOP;
END $$;
"""

RELAYS = """
CREATE TABLE outbox_setting (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    name text NOT NULL DEFAULT '',
    shards smallint NOT NULL,
    system_identifier text NOT NULL,
    timeline text NOT NULL,
    halted_at timestamptz,
    halt_reason text NOT NULL DEFAULT ''
);
INSERT INTO outbox_setting (shards, system_identifier, timeline)
SELECT 16, system_identifier::text, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) FROM pg_control_system();

-- '3:3:' is the snapshot that sees nothing: 3 is the first transaction number of a cluster.
CREATE TABLE outbox_shard (
    id smallint PRIMARY KEY,
    owner text NOT NULL DEFAULT '',
    epoch bigint NOT NULL DEFAULT 0,
    until timestamptz,
    snapshot text NOT NULL DEFAULT '3:3:',
    window_end text NOT NULL DEFAULT '',
    after_id bigint NOT NULL DEFAULT 0,
    pending jsonb,
    numbers jsonb NOT NULL DEFAULT '{}',
    paused_at timestamptz,
    paused_by text NOT NULL DEFAULT '',
    pause_reason text NOT NULL DEFAULT '',
    failures integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    last_error text NOT NULL DEFAULT '',
    last_error_at timestamptz,
    sent bigint NOT NULL DEFAULT 0,
    sent_at timestamptz
) WITH (fillfactor = 25, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
INSERT INTO outbox_shard (id) SELECT generate_series(0, 15);

CREATE TABLE outbox_member (
    owner text PRIMARY KEY,
    host text NOT NULL,
    pid integer NOT NULL,
    hosting text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);

-- The batch log, at most one row a shard and second: (a, b] are the snapshots between which its events became visible.
CREATE TABLE outbox_batch (
    shard smallint NOT NULL,
    second bigint NOT NULL,
    a text NOT NULL,
    b text NOT NULL,
    first_id bigint NOT NULL,
    last_id bigint NOT NULL,
    events integer NOT NULL,
    bytes bigint NOT NULL,
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (shard, second)
);
CREATE INDEX outbox_batch_second ON outbox_batch (second);

CREATE TABLE outbox_parked (
    event bigint PRIMARY KEY,
    event_id uuid NOT NULL,
    shard smallint NOT NULL,
    topic text NOT NULL,
    key bytea,
    behind boolean NOT NULL,
    code text NOT NULL,
    reason text NOT NULL,
    number text NOT NULL DEFAULT '',
    parked_at timestamptz NOT NULL
);
CREATE INDEX outbox_parked_shard ON outbox_parked (shard, event);

CREATE TABLE outbox_receipt (
    event_id uuid PRIMARY KEY,
    topic text NOT NULL,
    partition integer,
    "offset" bigint,
    sha256 bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('sent', 'unknown', 'refused')),
    error text NOT NULL DEFAULT '',
    at timestamptz NOT NULL
);
CREATE INDEX outbox_receipt_at ON outbox_receipt (at);

CREATE TABLE outbox_topic (
    topic text PRIMARY KEY,
    limit_bytes integer NOT NULL,
    seen_at timestamptz NOT NULL
);
"""

DROP = """
DROP TABLE outbox_event, outbox_setting, outbox_shard, outbox_member, outbox_batch, outbox_parked, outbox_receipt,
    outbox_topic;
DROP SEQUENCE outbox_event_id;
"""


def _look(name: str, table: str, fields: list[tuple[str, models.Field]]) -> migrations.CreateModel:
    return migrations.CreateModel(name=name, fields=fields, options={"managed": False, "db_table": table})


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.RunSQL(EVENTS + RELAYS, DROP),
        _look("Event", "outbox_event", [("id", models.BigIntegerField(primary_key=True, serialize=False))]),
        _look("Parked", "outbox_parked", [("event", models.BigIntegerField(primary_key=True, serialize=False))]),
        _look("Receipt", "outbox_receipt", [("event_id", models.UUIDField(primary_key=True, serialize=False))]),
        _look("Setting", "outbox_setting", [("id", models.SmallIntegerField(primary_key=True, serialize=False))]),
        _look("Shard", "outbox_shard", [("id", models.SmallIntegerField(primary_key=True, serialize=False))]),
        _look("Member", "outbox_member", [("owner", models.TextField(primary_key=True, serialize=False))]),
        _look("Topic", "outbox_topic", [("topic", models.TextField(primary_key=True, serialize=False))]),
    ]
