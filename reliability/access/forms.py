"""The forms of signing in: password, second factor."""

from __future__ import annotations

from typing import Any

from allauth.account import forms
from allauth.account.adapter import get_adapter
from allauth.mfa.adapter import get_adapter as get_factor_adapter
from allauth.mfa.base import forms as factor_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.db import transaction


class LoginForm(forms.LoginForm):  # type: ignore[misc]  # allauth has no types
    """Says of a name that no account can have what it says of any other that is wrong."""

    def clean(self) -> dict[str, Any] | None:
        """Check name and password; names too long or with NUL never reach the database."""
        if self.errors and all(self.data.get(name) for name in ("login", "password")):
            self.errors.clear()
            raise get_adapter().validation_error("username_password_mismatch")
        cleaned: dict[str, Any] | None = super().clean()
        return cleaned


class _Once(factor_forms.BaseAuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """Takes each code once, in every process: allauth remembers used ones in the cache of one."""

    authenticator: Authenticator

    def clean_code(self) -> str:
        """Check the code, and use it up, with the user's factors locked meanwhile."""
        with transaction.atomic():
            list(Authenticator.objects.select_for_update().filter(user=self.user))
            code: str = super().clean_code()
            if self.authenticator.type == Authenticator.Type.TOTP:
                self._use_up(code)
            return code

    def _use_up(self, code: str) -> None:
        kept = Authenticator.objects.get(pk=self.authenticator.pk)
        secret = get_factor_adapter().decrypt(kept.data["secret"])
        steps = [
            step
            for step in totp.yield_hotp_counters_from_time()
            if totp.compare_user_code(actual=code, expected=totp.format_hotp_value(totp.hotp_value(secret, step)))
        ]
        if not steps or max(steps) <= kept.data.get("last_step", -1):
            raise get_factor_adapter().validation_error("incorrect_code")
        kept.data["last_step"] = max(steps)
        kept.save(update_fields=["data"])
        self.authenticator = kept


class AuthenticateForm(_Once, factor_forms.AuthenticateForm):  # type: ignore[misc]  # the same
    """The code after the password."""


class ReauthenticateForm(_Once, factor_forms.ReauthenticateForm):  # type: ignore[misc]  # the same
    """The code before something that matters."""
