"""Actors and accounts for tests."""

from __future__ import annotations

from django.contrib.auth import get_user_model

from reliability.access import Actor, Role
from reliability.access.domain.scopes import TopicFilter
from reliability.access.models import Account

PASSWORD = "a long password for tests"


def actor(role: Role | None = Role.OPERATOR, *, name: str = "ana", topics: tuple[str, ...] = ("*",)) -> Actor:
    """A signed-in user who needs no database."""
    return Actor(kind="user", name=name, role=role, scopes=TopicFilter.of(topics), user_id=1, account=name)


def account(role: Role = Role.OPERATOR, *, name: str = "ana", topics: tuple[str, ...] = ("*",)) -> Account:
    """A stored account without a usable password (hashing one takes its time); log in with ``client.force_login``."""
    user = get_user_model().objects.create(username=name)
    user.set_unusable_password()
    user.save()
    return Account.objects.create(user=user, role=role, topic_scopes=list(topics))
