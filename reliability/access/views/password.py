"""Passwords: how often they may be tried, what a right one opens, and changing one's own."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import structlog
from allauth.account import views
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.crypto import constant_time_compare

from reliability.access.views import single_sign_on
from reliability.kernel.errors import Refused

log = structlog.get_logger(__name__)

PROVEN = "mainstay_proven"
"""In the session of who is half signed in: which password it was that was right."""


class ChangedMeanwhile(Refused):
    """Your password was changed while you signed in. Sign in again, with the new one."""

    code = "changed-meanwhile"
    status = 401


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's, but that a stranger's guesses keep nobody out, and that a password counts as it is at the very end."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Return who this is; raises ``ValidationError`` when it was tried too often."""
        name = str(credentials.get("username", "")).lower()
        tried = ratelimit.consume(request, app="allauth.account", action="name_failed", key=name)
        if not tried:
            log.warning("sign_in_refused", code="too-many-tries", why="one name, from many addresses")
            raise self.validation_error("too_many_login_attempts")
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is not None:
            tried.rollback()
        return user

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """A name at an address: allauth counts by the name alone, so that any stranger could keep its owner out."""
        return f"{ratelimit.get_ip(request)} {str(credentials.get('username', '')).lower()}"

    def get_client_ip(self, request: HttpRequest) -> str:
        """The visitor's address; that of the nearest hop where the proxies tell less than the settings say.

        Nobody can make that one up. Behind such proxies all visitors have one address, hence the line in the log.
        """
        try:
            return str(super().get_client_ip(request))
        except (ImproperlyConfigured, PermissionDenied):
            _say_once(settings.ALLAUTH_TRUSTED_PROXY_COUNT)
            return str(request.META.get("REMOTE_ADDR") or "unknown")

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponseBase | None:
        """Remember which password was right: a second factor may take some minutes."""
        request.session[PROVEN] = user.get_session_auth_hash()
        answer: HttpResponseBase | None = super().pre_login(request, user, **kwargs)
        return answer

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Begin the session, unless the account was disabled or its password changed since the password was given."""
        proven = str(request.session.pop(PROVEN, ""))
        if not user.is_active:
            raise ImmediateHttpResponse(self.respond_user_inactive(request, user))
        if not constant_time_compare(proven, user.get_session_auth_hash()):
            raise ImmediateHttpResponse(single_sign_on.refusal(request, ChangedMeanwhile()))
        super().login(request, user)
        log.info("signed_in", account=user.get_username(), address=self.get_client_ip(request))

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Write it down; a name that no account has is not told: it may be a password in the wrong field."""
        name = str(credentials.get("username", "")).lower()
        known = get_user_model().objects.filter(username=name).exists()
        log.warning("sign_in_failed", account=name if known else "", address=self.get_client_ip(request))


@lru_cache(maxsize=1)
def _say_once(trusted: int) -> None:
    log.warning(
        "forwarded_addresses_do_not_fit",
        trusted_proxies=trusted,
        meaning="X-Forwarded-For names fewer addresses than MAINSTAY_TRUSTED_PROXIES; visitors share one limit",
    )


def change(request: HttpRequest) -> HttpResponseBase:
    """Show and take the form; say who can set a password where the account has none.

    Without a password nothing proves that who sits there is the owner, so that none can be set here.
    """
    if request.user.is_authenticated and not request.user.has_usable_password():
        return render(request, "account/password_none.html", {"username": request.user.get_username()}, status=409)
    answer: HttpResponseBase = views.password_change(request)
    return answer
