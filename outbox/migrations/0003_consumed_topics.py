"""Which incarnation of a topic each consumer has been reading."""

from __future__ import annotations

from django.db import migrations

CONSUMED = """
CREATE TABLE outbox_consumed (
    consumer text NOT NULL,
    topic text NOT NULL,
    topic_id text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer, topic)
);
"""


class Migration(migrations.Migration):
    dependencies = [("outbox", "0002_inbox")]

    operations = [migrations.RunSQL(CONSUMED, "DROP TABLE outbox_consumed")]
