"""The second factor, from allauth: codes of an authenticator app, and codes to print.

Secrets lie encrypted in the database, under a key made from the console's own; the key before it still opens them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as account_views
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import views as base_views
from allauth.mfa.recovery_codes import views as recovery_views
from allauth.mfa.totp import views as totp_views
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from reliability.access import queries

_PURPOSE = b"mainstay second factors 1"
View = Callable[..., HttpResponseBase]


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Encrypts what is kept; lets nobody take off the factor that their role needs."""

    def encrypt(self, text: str) -> str:
        """The text, sealed."""
        return _seal().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The text that was sealed; raises ``InvalidToken`` when no key of ours did it."""
        return _seal().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        """Not where the role needs it."""
        return not queries.needs_factor(authenticator.user)


def _seal() -> MultiFernet:
    def key(secret: str) -> Fernet:
        derived = hmac.new(secret.encode(), _PURPOSE, hashlib.sha256).digest()
        return Fernet(base64.urlsafe_b64encode(derived))

    return MultiFernet([key(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _for_passwords(view: View) -> View:
    """Whoever signs in at a provider has a second factor there, or none: here is nothing to set up."""

    @never_cache  # a secret, or codes, may be on them
    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not queries.signs_in_by_password(request.user):
            return render(request, "mfa/elsewhere.html", status=409)
        return view(request, *args, **kwargs)

    return guarded


authenticate = never_cache(base_views.authenticate)
reauthenticate_by_code = _for_passwords(base_views.reauthenticate)
reauthenticate = _for_passwords(account_views.reauthenticate)
activate = _for_passwords(totp_views.activate_totp)
deactivate = _for_passwords(totp_views.deactivate_totp)
show_codes = _for_passwords(recovery_views.view_recovery_codes)
new_codes = _for_passwords(recovery_views.generate_recovery_codes)
