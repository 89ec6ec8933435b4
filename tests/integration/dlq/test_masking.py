"""What viewers may not see is masked on the pages, too."""

from __future__ import annotations

import pytest
from django.test import Client

from dlq.models import Letter
from reliability.access import Role
from tests.support.actors import account
from tests.support.letters import record, store

pytestmark = pytest.mark.django_db


def shown(path: str, role: Role) -> str:
    """A page as somebody of that role gets it."""
    client = Client()
    client.force_login(account(role).user)
    return client.get(path).content.decode()


@pytest.mark.parametrize(("role", "shows"), [(Role.VIEWER, False), (Role.OPERATOR, True)])
@pytest.mark.parametrize("path", ["/letters/all/", "/letters/{}/"])
def test_only_operators_see_secrets_in_messages_and_keys(path: str, role: Role, shows: bool) -> None:
    store(record(1, key=b"token=t0k3n", error_message="refused: password=hunter2"))
    page = shown(path.format(Letter.objects.get().pk), role)
    assert "refused: password=" in page
    assert ("hunter2" in page, "t0k3n" in page) == (shows, shows)


def test_a_failure_is_not_named_by_a_secret() -> None:
    store(record(1, error_message="refused: password=hunter"))
    assert "hunter" not in Letter.objects.select_related("group").get().group.title
