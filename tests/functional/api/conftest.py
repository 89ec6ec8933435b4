"""The API as its clients see it: bearer tokens, JSON in and out. Kafka in memory, PostgreSQL real."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from reliability.access import Role, operations
from reliability.kafka import clusters
from reliability.kernel import clock
from tests.support.actors import account
from tests.support.replays import World


@dataclass
class Api:
    """A client with the tokens of an operator, a viewer and an operator who sees one topic only."""

    tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, role, topics in (
            ("operator", Role.OPERATOR, ("*",)),
            ("viewer", Role.VIEWER, ("*",)),
            ("limited", Role.OPERATOR, ("stock*",)),
        ):
            made = operations.issue_token(
                account=account(role, name=name, topics=topics),
                name="test",
                life=timedelta(hours=1),
                now=clock.SYSTEM.now(),
            )
            self.tokens[name] = made.secret

    def __call__(self, method: str, path: str, body: Any = None, *, who: str = "operator") -> tuple[int, Any]:
        """Send a request; return status and JSON."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        answer = Client().generic(
            method,
            f"/api/v1{path}",
            data="" if body is None else _json(body),
            content_type="application/json",
            headers=headers,
        )
        return answer.status_code, answer.json() if answer.content else None


def _json(body: Any) -> str:
    import json

    return json.dumps(body)


@pytest.fixture
def world(db: None, settings: Settings) -> Iterator[World]:
    settings.KAFKA_BACKEND = "memory"
    clusters.forget_memory()
    yield World(now=clock.SYSTEM.now())
    clusters.forget_memory()


@pytest.fixture
def api(world: World) -> Api:
    return Api()
