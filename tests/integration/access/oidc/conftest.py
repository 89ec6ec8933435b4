"""A provider of our own, and the way through it without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponseBase
from django.test import Client
from pytest_django import Settings

from reliability.access.oidc import issuer_of
from tests.support.forged_provider import CLIENT, SECRET, ForgedProvider, serving


@pytest.fixture
def provider(settings: Settings) -> Iterator[ForgedProvider]:
    """A provider that the console is configured for."""
    cache.clear()
    issuer_of.cache_clear()
    with serving() as made:
        settings.MAINSTAY_OIDC = {
            "issuer": made.issuer,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "name": "the works account",
            "role_claim": "groups",
            "roles": {"viewer": ["all"], "operator": ["ops"], "admin": ["leads"]},
        }
        yield made
    issuer_of.cache_clear()


@dataclass
class Visitor:
    """A browser without scripts at the provider's door."""

    client: Client
    provider: ForgedProvider

    def sent(self, path: str = "/accounts/sso/") -> str:
        """Where the console sends him."""
        answer = self.client.get(path)
        assert answer.status_code == 302, answer.content.decode()
        return str(answer["Location"])

    def comes_back(self, **parameters: str) -> HttpResponseBase:
        """With what the provider, or somebody else, gave him."""
        return self.client.get("/accounts/sso/callback/", parameters)

    def signs_in(self, path: str = "/accounts/sso/") -> HttpResponseBase:
        """All the way."""
        code, asked = self.provider.authorize(self.sent(path))
        return self.comes_back(code=code, state=asked["state"])

    @property
    def name(self) -> str:
        """As whom he is signed in; "" for nobody."""
        answer = self.client.get("/look/")
        return answer.content.decode() if answer.status_code == 200 else ""


@pytest.fixture
def visitor(client: Client, provider: ForgedProvider) -> Visitor:
    """Somebody who is not signed in."""
    return Visitor(client, provider)


@pytest.fixture
def rules(settings: Settings) -> dict[str, Any]:
    """The configuration, to be changed: it counts from the next request on."""
    return settings.MAINSTAY_OIDC
