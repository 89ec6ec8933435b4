"""How people sign in: an identity provider, how long sessions last, who needs a second factor."""

from __future__ import annotations

import json
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode

from reliability.environment.words import Words

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
ROLES = ("viewer", "operator", "admin")
_ROLES_EXAMPLE = "admin=platform-leads;operator=platform,oncall;viewer=engineering"
RoleName = Literal["viewer", "operator", "admin"]


def _roles(value: object) -> object:
    """``admin=a,b;operator=c``, or the same as JSON."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError(f"is no JSON; it may be written as {_ROLES_EXAMPLE}") from None
    found: dict[str, list[str]] = {}
    for part in value.split(";"):
        role, equals, names = part.partition("=")
        if part.strip() and not equals:
            raise ValueError(f"{part.strip()!r} has no '=' (example: {_ROLES_EXAMPLE})")
        if part.strip():
            found.setdefault(role.strip(), []).extend(name.strip() for name in names.split(",") if name.strip())
    return found


RoleMap = Annotated[dict[RoleName, list[str]], NoDecode, BeforeValidator(_roles)]


class SignIn(BaseSettings):
    """The settings of signing in."""

    MAINSTAY_OIDC_ISSUER: str = ""
    """The identity provider (OpenID Connect), exactly as it names itself; without one there are passwords alone."""
    MAINSTAY_OIDC_CLIENT_ID: str = ""
    """What the provider calls the console; it sends people back to ``/accounts/sso/callback/``."""
    MAINSTAY_OIDC_CLIENT_SECRET: str = ""
    """Left out for a public client, which has PKCE alone."""
    MAINSTAY_OIDC_NAME: str = Field(default="single sign-on", max_length=60)
    """What the button calls it: Sign in with ..."""
    MAINSTAY_OIDC_SCOPES: Words = ["openid", "profile"]
    """What is asked for; openid must be among them."""
    MAINSTAY_OIDC_HOSTS: Words = []
    """Hosts besides the issuer's own that its endpoints may be on."""
    MAINSTAY_OIDC_USERINFO: bool = False
    """Also ask the userinfo endpoint, for providers that leave groups out of the ID token."""
    MAINSTAY_OIDC_ROLE_CLAIM: str = "groups"
    """The claim that roles are read from; dots lead into it (realm_access.roles)."""
    MAINSTAY_OIDC_ROLES: RoleMap = {}
    """Which values of that claim give which role."""
    MAINSTAY_OIDC_DEFAULT_ROLE: Literal["", "viewer", "operator"] = ""
    """The role of who has none of these values; without one they are refused."""
    MAINSTAY_OIDC_TOPICS_CLAIM: str = ""
    """The claim that topic scopes are read from; without one everybody sees every topic."""
    MAINSTAY_OIDC_ADMIN_NEEDS: Words = []
    """One of these must be in ``amr``, or be ``acr``, for the role admin."""
    MAINSTAY_OIDC_CLOCK_SKEW_S: int = Field(default=60, ge=0, le=600)
    """Seconds by which the clocks of both sides may differ."""
    MAINSTAY_SESSION_HOURS: float = Field(default=12.0, gt=0, le=720)
    """A session ends so long after it began, whatever is done in it."""
    MAINSTAY_SESSION_IDLE_MINUTES: float = Field(default=120.0, ge=0, le=43_200)
    """And so long after the last thing a person did; 0 for never."""
    MAINSTAY_MFA_REQUIRED_FOR: Words = []
    """Roles that need a second factor beside their password."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.MAINSTAY_OIDC_ISSUER:
            _check_issuer(self.MAINSTAY_OIDC_ISSUER)
            if not self.MAINSTAY_OIDC_CLIENT_ID:
                raise ValueError("MAINSTAY_OIDC_ISSUER needs MAINSTAY_OIDC_CLIENT_ID beside it")
            if not any(self.MAINSTAY_OIDC_ROLES.values()) and not self.MAINSTAY_OIDC_DEFAULT_ROLE:
                raise ValueError(f"MAINSTAY_OIDC_ROLES says who gets which role (example: {_ROLES_EXAMPLE})")
            if "openid" not in self.MAINSTAY_OIDC_SCOPES:
                raise ValueError("MAINSTAY_OIDC_SCOPES must have openid among them")
        elif self.MAINSTAY_OIDC_CLIENT_ID or self.MAINSTAY_OIDC_ROLES:
            raise ValueError("MAINSTAY_OIDC_ISSUER is not set, but other settings of the identity provider are")
        unknown = sorted(set(self.MAINSTAY_MFA_REQUIRED_FOR) - set(ROLES))
        if unknown:
            raise ValueError(f"MAINSTAY_MFA_REQUIRED_FOR: {unknown[0]} is no role (example: admin,operator)")
        return self


def _check_issuer(issuer: str) -> None:
    parts = urlsplit(issuer)
    if parts.query or parts.fragment or "@" in parts.netloc or not parts.hostname:
        raise ValueError(
            "MAINSTAY_OIDC_ISSUER is an https:// address without ?, # and @ (example: https://login.example/realms/main)"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError("MAINSTAY_OIDC_ISSUER must be https (http on loopback only)")
