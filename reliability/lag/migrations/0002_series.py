"""The history of lag, in SQL: partitions by time, so that old rows go by dropping a table."""

from __future__ import annotations

from django.db import migrations, models

# The newest rows of a group are what a page asks for, so its rows lie together in the key.
COLUMNS = """
    group_id bigint NOT NULL,
    topic text NOT NULL,
    at timestamptz NOT NULL,
    lag bigint,
    lag_max bigint,
    lag_s_max double precision,
    consumed bigint NOT NULL DEFAULT 0,
    produced bigint NOT NULL DEFAULT 0,
    severity smallint NOT NULL,
    looks integer NOT NULL,
    PRIMARY KEY (group_id, topic, at)
"""
MAKE = f"""
CREATE TABLE reliability_lag_minute ({COLUMNS}) PARTITION BY RANGE (at);
CREATE TABLE reliability_lag_ten_minutes ({COLUMNS}) PARTITION BY RANGE (at);
"""
DROP = "DROP TABLE reliability_lag_minute; DROP TABLE reliability_lag_ten_minutes;"


class Migration(migrations.Migration):
    """Partitions are made by `operations.upkeep`, before the first row is written."""

    dependencies = [("reliability_lag", "0001_groups")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(MAKE, DROP)],
            state_operations=[
            migrations.CreateModel(
                name='Minute',
                fields=[
                    ('pk', models.CompositePrimaryKey('group_id', 'topic', 'at', blank=True, editable=False, primary_key=True, serialize=False)),
                    ('group_id', models.BigIntegerField()),
                    ('topic', models.TextField()),
                    ('at', models.DateTimeField()),
                    ('lag', models.BigIntegerField(help_text='at the end of the stretch; NULL: not known', null=True)),
                    ('lag_max', models.BigIntegerField(null=True)),
                    ('lag_s_max', models.FloatField(null=True)),
                    ('consumed', models.BigIntegerField(default=0)),
                    ('produced', models.BigIntegerField(default=0)),
                    ('severity', models.SmallIntegerField(help_text="the worst verdict's")),
                    ('looks', models.IntegerField(help_text='polls in the stretch')),
                ],
                options={
                    'db_table': 'reliability_lag_minute',
                    'abstract': False,
                },
            ),
            migrations.CreateModel(
                name='TenMinutes',
                fields=[
                    ('pk', models.CompositePrimaryKey('group_id', 'topic', 'at', blank=True, editable=False, primary_key=True, serialize=False)),
                    ('group_id', models.BigIntegerField()),
                    ('topic', models.TextField()),
                    ('at', models.DateTimeField()),
                    ('lag', models.BigIntegerField(help_text='at the end of the stretch; NULL: not known', null=True)),
                    ('lag_max', models.BigIntegerField(null=True)),
                    ('lag_s_max', models.FloatField(null=True)),
                    ('consumed', models.BigIntegerField(default=0)),
                    ('produced', models.BigIntegerField(default=0)),
                    ('severity', models.SmallIntegerField(help_text="the worst verdict's")),
                    ('looks', models.IntegerField(help_text='polls in the stretch')),
                ],
                options={
                    'db_table': 'reliability_lag_ten_minutes',
                    'abstract': False,
                },
            ),
            ],
        )
    ]
