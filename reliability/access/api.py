"""How API requests say who they are: a bearer token, or the session of a signed-in browser."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer

from reliability.access import operations, queries
from reliability.access.domain.actors import Actor
from reliability.access.queries import machines
from reliability.kernel import clock


class Bearer(HttpBearer):
    """``Authorization: Bearer`` with an API token or an access token made from one; sets ``request.actor``."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        """Return the token's actor; None (401) when it is unknown, expired, revoked, or its account is disabled."""
        now = clock.SYSTEM.now()
        if machines.looks_like_one(token):
            machine = machines.actor_of_access(token, now=now)
            if machine is not None:
                queries.remember(request, machine)
            return machine
        stored = queries.valid_token(token, now=now)
        if stored is None:
            return None
        operations.note_use(token=stored, now=now)
        actor = queries.actor_of_token(stored)
        queries.remember(request, actor)
        return actor


class Session(APIKeyCookie):
    """The console's own cookie; unsafe methods need the CSRF token as pages do (checked by the base class)."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Actor | None:
        """Return the session's actor; a request with an ``Authorization`` header stands on that alone."""
        if "Authorization" in request.headers or self.param_name not in request.COOKIES:
            return None
        actor: Actor | None = super().__call__(request)
        return actor

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor | None:
        """Return the session's actor; None (401) when signed out or disabled."""
        actor = queries.actor_of(request)
        return actor if actor.is_signed_in else None


bearer = Bearer()
session = Session()
either = [bearer, session]
