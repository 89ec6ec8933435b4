"""The inbox: what each consumer has done, and which record it was working on."""

from __future__ import annotations

from django.db import migrations, models

INBOX = """
-- One row per consumer and message, found by the hash of both: an id may be long, and the key stays small.
CREATE TABLE outbox_inbox (
    digest bytea PRIMARY KEY,
    consumer text NOT NULL,
    message_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('done', 'retrying', 'gave_up')),
    attempt integer NOT NULL CHECK (attempt > 0),
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- For the sweep, which takes only what is done: the others are kept until their message is done after all.
CREATE INDEX outbox_inbox_done_at ON outbox_inbox (at) WHERE state = 'done';
"""

STARTS = """
-- One row per consumer and partition, written before each handler: room on each page lets updates stay there.
CREATE TABLE outbox_start (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    starts integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer, topic, partition)
) WITH (fillfactor = 50);
"""


class Migration(migrations.Migration):
    dependencies = [("outbox", "0001_initial")]

    operations = [
        migrations.RunSQL(INBOX, "DROP TABLE outbox_inbox"),
        migrations.RunSQL(STARTS, "DROP TABLE outbox_start"),
        migrations.CreateModel(
            name="Inbox",
            fields=[
                ("digest", models.BinaryField(primary_key=True, serialize=False)),
                ("consumer", models.TextField()),
                ("message_id", models.TextField()),
                ("state", models.TextField()),
                ("attempt", models.IntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "outbox_inbox", "managed": False},
        ),
    ]
