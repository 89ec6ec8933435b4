"""Accounts and API tokens."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from reliability.access.domain.roles import Role

_ROLE_NAMES = [role.value for role in Role]
_ROLES = [(name, name) for name in _ROLE_NAMES]


def every_topic() -> list[str]:
    """The scopes of an account that is not limited."""
    return ["*"]


class Account(models.Model):
    """What a Django user may do here. A user without this row, or with the role "", has no rights at all."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mainstay_account")
    role = models.CharField(max_length=16, choices=_ROLES, blank=True)
    topic_scopes = ArrayField(models.CharField(max_length=249), default=every_topic, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(role__in=["", *_ROLE_NAMES]), name="access_account_role")
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role or 'no role'})"

    @property
    def standing(self) -> Role | None:
        """The role; None for who lost the one that the identity provider gave."""
        return Role(self.role) if self.role else None


class ApiToken(models.Model):
    """A machine's way in: an account's rights or fewer, until a date. The token itself is never stored."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    hash = models.BinaryField(max_length=32, unique=True)
    shown = models.CharField(max_length=16)
    role = models.CharField(max_length=16, choices=_ROLES)
    topic_scopes = ArrayField(models.CharField(max_length=249), null=True, blank=True)
    acts = ArrayField(models.CharField(max_length=80), null=True, blank=True, help_text="only these; null: all")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(role__in=_ROLE_NAMES), name="access_token_role"),
            models.UniqueConstraint(
                fields=["account", "name"], condition=models.Q(revoked_at=None), name="access_token_name"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account.user}/{self.name}"


class TokenFamily(models.Model):
    """What began when a machine showed its API token: access tokens and refresh tokens, one after the other."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="families")
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    refreshed_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=16, blank=True, help_text="reused: somebody showed a refresh token again")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-revoked_at"], condition=models.Q(why="reused"), name="access_family_reused")
        ]

    def __str__(self) -> str:
        return f"{self.token} #{self.pk}"


class RefreshToken(models.Model):
    """One link of a family: shown once, it is used; shown again, the family ends. Itself it is never stored."""

    family = models.ForeignKey(TokenFamily, on_delete=models.CASCADE, related_name="refresh_tokens")
    hash = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.family}, made {self.made_at:%Y-%m-%d %H:%M}"


class BrowserSession(models.Model):
    """A browser in which somebody is signed in, beside Django's own row: since when, seen when, from where."""

    session_key = models.CharField(max_length=40, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="browser_sessions")
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=80, blank=True)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.browser} of {self.user}"
