"""Somebody with a second factor."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from reliability.access import Role, operations
from tests.support.actors import PASSWORD
from tests.support.telephone import Telephone, password_given, set_up


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """What tests before this one tried counts no more: all of them come from one address."""
    cache.clear()


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> Telephone:
    """An authenticator app."""
    return Telephone(monkeypatch)


@pytest.fixture
def ada() -> None:
    """An admin with a password."""
    operations.create_account(username="ada", password=PASSWORD, role=Role.ADMIN)


@pytest.fixture
def codes(client: Client, ada: None, phone: Telephone) -> list[str]:
    """The printed codes of ada, who has set it up and signed out again."""
    password_given(client)
    printed = set_up(client, phone)
    client.post("/accounts/logout/")
    return printed
