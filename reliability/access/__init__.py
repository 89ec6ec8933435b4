"""Who may: accounts, roles, topic scopes, tokens, and the one ``authorize`` that every entrance asks.

What needs the database is imported on first use, so that this name can be imported before Django is ready.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from reliability.access.domain.actors import ANONYMOUS, Actor, policy_actor, system_actor
from reliability.access.domain.authorization import (
    Denied,
    NotSignedIn,
    ReadOnly,
    admit,
    authorize,
    is_read_only,
    may,
)
from reliability.access.domain.rights import RIGHTS, Right, UnknownAct
from reliability.access.domain.roles import Role
from reliability.access.domain.scopes import BadScope, TopicFilter

if TYPE_CHECKING:
    from reliability.access.queries import VisibleTopics, actor_again, actor_of, cli_actor, host_actor, visible_topics
    from reliability.access.views.guard import requires

__all__ = [
    "ANONYMOUS",
    "RIGHTS",
    "Actor",
    "BadScope",
    "Denied",
    "NotSignedIn",
    "ReadOnly",
    "Right",
    "Role",
    "TopicFilter",
    "UnknownAct",
    "VisibleTopics",
    "actor_again",
    "actor_of",
    "admit",
    "authorize",
    "cli_actor",
    "host_actor",
    "is_read_only",
    "may",
    "policy_actor",
    "requires",
    "system_actor",
    "visible_topics",
]

_HOMES = {
    "VisibleTopics": "queries",
    "actor_again": "queries",
    "actor_of": "queries",
    "cli_actor": "queries",
    "host_actor": "queries",
    "requires": "views.guard",
    "visible_topics": "queries",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
