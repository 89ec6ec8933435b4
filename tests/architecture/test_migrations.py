"""A new version's tables are there while the old version still runs: migrations expand, and contract later."""

from __future__ import annotations

import pytest
from django.db import models
from django.db.migrations import operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from tests.support.expanding import CONTRACT, problems

OURS = ("reliability_", "mainstay_", "outbox", "dlq", "sagas")
FIRST = {
    ("dlq", "0001_letters"),
    ("dlq", "0002_replays"),
    ("dlq", "0003_left_out"),
    ("dlq", "0004_replay_stops"),
    ("outbox", "0001_initial"),
    ("outbox", "0002_inbox"),
    ("outbox", "0003_consumed_topics"),
    ("outbox", "0004_about"),
    ("outbox", "0005_waiting"),
    ("reliability_access", "0001_accounts"),
    ("reliability_access", "0002_token_acts"),
    ("reliability_audit", "0001_entries"),
    ("reliability_breakers", "0001_breakers"),
    ("reliability_degradation", "0001_flags"),
    ("reliability_lag", "0001_groups"),
    ("reliability_lag", "0002_series"),
    ("reliability_lag", "0003_alerts"),
    ("reliability_lag", "0004_retired"),
    ("reliability_lag", "0005_room_for_updates"),
    ("reliability_live", "0001_initial"),
    ("reliability_live", "0002_lives"),
    ("reliability_locks", "0001_leases"),
    ("sagas", "0001_sagas"),
    ("sagas", "0002_reconciling"),
    ("sagas", "0003_batches"),
    ("sagas", "0004_batch_details"),
    ("mainstay_orders", "0001_shop"),
    ("mainstay_orders", "0002_refunds"),
    ("mainstay_orders", "0003_ledger"),
}
"""Migrations of the first version: there was none before it."""


def test_each_migration_lets_the_version_before_go_on() -> None:
    found = {}
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if app.startswith(OURS) and (app, name) not in FIRST:
            told = problems(migration.operations, contracts=getattr(migration, CONTRACT, ""))
            if told:
                found[f"{app}.{name}"] = told
    assert found == {}


NAME = models.TextField()


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (operations.AddField("thing", "name", models.TextField()), "does not give it"),
        (operations.AddField("thing", "name", models.TextField(default="")), "does not give it"),
        (operations.RemoveField("thing", "name"), "still uses it"),
        (operations.RenameField("thing", "name", "title"), "still uses it"),
        (operations.DeleteModel("thing"), "still uses it"),
        (operations.RenameModel("thing", "item"), "still uses it"),
        (operations.AddConstraint("thing", models.CheckConstraint(condition=models.Q(a=1), name="c")), "later version"),
        (operations.RunSQL("drop table thing"), "hints"),
        (operations.RunPython(lambda apps, editor: None), "hints"),
        (operations.SeparateDatabaseAndState(database_operations=[operations.RemoveField("thing", "name")]), "still"),
        (operations.AlterUniqueTogether("thing", {("a", "b")}), "nobody has looked"),
    ],
)
def test_what_stops_old_code_is_found(step: Operation, says: str) -> None:
    assert [told for told in problems([step]) if says in told]


@pytest.mark.parametrize(
    "step",
    [
        operations.AddField("thing", "name", models.TextField(null=True)),
        operations.AddField("thing", "name", models.TextField(db_default="")),
        operations.CreateModel("other", [("id", models.BigAutoField(primary_key=True)), ("name", NAME)]),
        operations.AddIndex("thing", models.Index(fields=["name"], name="thing_name")),
        operations.RunSQL("create index x on thing (name)", hints={"expands": True}),
    ],
)
def test_what_it_need_not_know_is_fine(step: Operation) -> None:
    assert problems([step]) == []


def test_what_is_new_in_the_same_migration_has_no_old_code() -> None:
    made = operations.CreateModel("other", [("id", models.BigAutoField(primary_key=True))])
    assert problems([made, operations.AddField("other", "name", NAME)]) == []


def test_what_was_unused_for_a_version_may_go() -> None:
    assert problems([operations.RemoveField("thing", "name")], contracts="unused since 0.2.0") == []
