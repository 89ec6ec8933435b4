"""The forms of signing in: password, second factor."""

from __future__ import annotations

from typing import Any

import structlog
from allauth.account import forms
from allauth.account.adapter import get_adapter
from allauth.mfa.adapter import get_adapter as get_factor_adapter
from allauth.mfa.base import forms as factor_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from cryptography.fernet import InvalidToken
from django.core.exceptions import ValidationError
from django.db import transaction

from reliability.kernel import clock

log = structlog.get_logger(__name__)

MOST_WRONG_A_DAY = 30
"""Of one account: whoever guesses codes has its password, and one in a million is found in thirty years or more."""
SEALED_OTHERWISE = (
    "The console's secret was changed, so that your second factor cannot be opened. Whoever runs the console can name "
    "the secret before in MAINSTAY_SECRET_KEY_PREVIOUS, or take your second factor off (reset_second_factor)."
)
TOO_MANY_WRONG = (
    "Too many wrong codes for today. If they were not yours, somebody knows your password: have an admin set another."
)


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
    """Takes each code once and so many wrong ones a day, in all processes: allauth counts in the cache of one."""

    authenticator: Authenticator

    def clean_code(self) -> str:
        """Check the code, and use it up, with the user's factors locked meanwhile."""
        refused: ValidationError | None = None
        code = ""
        with transaction.atomic():
            factors = list(Authenticator.objects.select_for_update().filter(user=self.user).order_by("pk"))
            tally = next((each for each in factors if each.type == Authenticator.Type.TOTP), None)
            if tally is not None and _wrong_today(tally) >= MOST_WRONG_A_DAY:
                raise ValidationError(TOO_MANY_WRONG, code="too_many_wrong")
            try:
                code = super().clean_code()
                if self.authenticator.type == Authenticator.Type.TOTP:
                    self._use_up(code)
                self._seal_anew()
            except ValidationError as error:
                if tally is not None and error.code == "incorrect_code":
                    self._count(tally)
                refused = error
            except InvalidToken:
                log.error("second_factor_not_opened", account=self.user.get_username(), meaning=SEALED_OTHERWISE)
                refused = ValidationError(SEALED_OTHERWISE, code="sealed_otherwise")
        if refused is not None:  # out here, so that what was counted is kept
            raise refused
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

    def _seal_anew(self) -> None:
        """With the console's secret of now: whoever signed in since it changed needs the one before no more."""
        adapter = get_factor_adapter()
        for factor in Authenticator.objects.filter(user=self.user):
            sealed = {name: factor.data[name] for name in ("secret", "seed") if name in factor.data}
            factor.data |= {name: adapter.encrypt(adapter.decrypt(text)) for name, text in sealed.items()}
            factor.save(update_fields=["data"])

    def _count(self, tally: Authenticator) -> None:
        wrong = _wrong_today(tally) + 1
        tally.data["wrong"] = [_today(), wrong]
        tally.save(update_fields=["data"])
        if wrong == MOST_WRONG_A_DAY:
            log.warning("second_factor_guessed", account=self.user.get_username(), wrong_codes_today=wrong)


def _today() -> int:
    return int(clock.SYSTEM.now().timestamp()) // 86_400


def _wrong_today(tally: Authenticator) -> int:
    day, wrong = tally.data.get("wrong", (0, 0))
    return int(wrong) if day == _today() else 0


def use_up_first(*, authenticator: Authenticator, **_: object) -> None:
    """Have the code by which an app was set up, and those before it, open nothing more: it was seen, and used."""
    if authenticator.type == Authenticator.Type.TOTP:
        steps = sorted(totp.yield_hotp_counters_from_time())
        authenticator.data["last_step"] = steps[len(steps) // 2]
        authenticator.save(update_fields=["data"])


class AuthenticateForm(_Once, factor_forms.AuthenticateForm):  # type: ignore[misc]  # the same
    """The code after the password."""


class ReauthenticateForm(_Once, factor_forms.ReauthenticateForm):  # type: ignore[misc]  # the same
    """The code before something that matters."""
