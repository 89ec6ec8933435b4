"""The version before goes on over the new version's tables: what its models write and read, column by column."""

from __future__ import annotations

import pytest
from django.db import DatabaseError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from reliability.kernel.clock import SYSTEM
from tests.architecture.test_migrations import FIRST

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def before() -> ProjectState:
    """What the models of the version before were: as its last migrations left them."""
    loader = MigrationLoader(None)
    last: dict[str, str] = {}
    for app, name in sorted(FIRST):
        last[app] = name
    theirs = [node for node in loader.graph.leaf_nodes() if node[0] not in {app for app, _ in loader.disk_migrations}]
    contrib = [node for node in loader.graph.leaf_nodes() if node[0] in ("auth", "contenttypes", "sessions")]
    return loader.project_state([*last.items(), *theirs, *contrib])


def test_old_code_makes_accounts_and_tokens_that_new_code_takes(before: ProjectState) -> None:
    from reliability.access.models import Account, ApiToken

    old, now = before.apps, SYSTEM.now()
    user = old.get_model("auth", "User").objects.create(username="old")
    accounts = old.get_model("reliability_access", "Account")
    account = accounts.objects.create(user=user, role="operator", topic_scopes=["*"])
    token = old.get_model("reliability_access", "ApiToken").objects.create(
        account=account, name="ci", hash=b"x" * 32, shown="mst_x", role="operator", created_at=now, expires_at=now
    )
    assert Account.objects.get(pk=account.pk).role == "operator"
    assert ApiToken.objects.get(pk=token.pk).name == "ci"


def test_old_code_reads_and_changes_what_new_code_makes(before: ProjectState) -> None:
    from django.contrib.auth import get_user_model

    from reliability.access.models import Account

    made = Account.objects.create(user=get_user_model().objects.create(username="new"), role="viewer")
    old = before.apps.get_model("reliability_access", "Account")
    row = old.objects.get(pk=made.pk)
    row.role = "admin"
    row.save()
    assert Account.objects.get(pk=made.pk).role == "admin"


def test_every_table_that_was_there_still_is_with_every_column(before: ProjectState) -> None:
    """Old code names each column that it knows in what it reads."""
    gone = []
    for model in before.apps.get_models():
        if model._meta.app_label.startswith(("reliability_", "mainstay_", "outbox", "dlq", "sagas")):
            try:
                list(model._default_manager.all()[:1])
            except DatabaseError as error:
                gone.append(f"{model._meta.label}: {error}")
    assert gone == []
