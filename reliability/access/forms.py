"""The form of the login page."""

from __future__ import annotations

from typing import Any

from allauth.account import forms
from allauth.account.adapter import get_adapter


class LoginForm(forms.LoginForm):  # type: ignore[misc]  # allauth has no types
    """Says of a name that no account can have what it says of any other that is wrong."""

    def clean(self) -> dict[str, Any] | None:
        """Check name and password; names too long or with NUL never reach the database."""
        if self.errors and all(self.data.get(name) for name in ("login", "password")):
            self.errors.clear()
            raise get_adapter().validation_error("username_password_mismatch")
        cleaned: dict[str, Any] | None = super().clean()
        return cleaned
