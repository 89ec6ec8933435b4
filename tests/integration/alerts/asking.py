"""The alerts part of the API, asked by accounts."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.test import Client

from reliability.access import Role, operations
from reliability.kernel.clock import SYSTEM
from tests.support import actors

ROOT = "/api/v1/alerts/"


class Api:
    """It, asked by one account."""

    def __init__(self, role: Role = Role.OPERATOR, *, name: str = "", topics: tuple[str, ...] = ("*",)) -> None:
        self.name = name or f"api-{role}"
        account = actors.account(role, name=self.name, topics=topics)
        made = operations.issue_token(account=account, name="t", life=timedelta(hours=1), now=SYSTEM.now())
        self.headers = {"Authorization": f"Bearer {made.secret}"}

    def __call__(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        """Ask for an answer of this status."""
        answer = self._ask(method, path, body)
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    def problem(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask; return a refusal, nothing for what was done. Whatever it is, it is not our fault."""
        answer = self._ask(method, path, body)
        assert answer.status_code < 500, answer.content
        return answer.json() if answer.status_code >= 400 else {}

    def _ask(self, method: str, path: str, body: object) -> Any:
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return Client().generic(method, f"{ROOT}{path}", headers=self.headers, **sent)
