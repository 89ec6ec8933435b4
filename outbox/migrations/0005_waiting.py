"""Events that wait for a breaker: read, not sent, and to be sent in order once their topic may go on."""

from __future__ import annotations

from django.db import migrations, models

WAITING = """
CREATE TABLE outbox_waiting (
    event bigint PRIMARY KEY, shard smallint NOT NULL, topic text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX outbox_waiting_order ON outbox_waiting (shard, topic, event);
"""


class Migration(migrations.Migration):
    dependencies = [("outbox", "0004_about")]

    operations = [
        migrations.RunSQL(
            WAITING,
            "DROP TABLE outbox_waiting",
            state_operations=[
                migrations.CreateModel(
                    name="Waiting",
                    fields=[
                        ("event", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("shard", models.SmallIntegerField()),
                        ("topic", models.TextField()),
                        ("since", models.DateTimeField()),
                    ],
                    options={"db_table": "outbox_waiting", "managed": False},
                ),
            ],
        )
    ]
