"""How the identity provider is configured, from Django's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from reliability.access.domain.roles import Role
from reliability.access.domain.standing import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One identity provider and what its claims give here."""

    issuer: str
    client_id: str
    client_secret: str = ""
    name: str = "single sign-on"
    scopes: tuple[str, ...] = ("openid", "profile")
    more_hosts: frozenset[str] = frozenset()
    userinfo: bool = False
    skew_s: int = 60
    rules: Rules

    @property
    def hosts(self) -> frozenset[str]:
        """Whom the console may ask: the issuer's own host and port, and those that were named besides."""
        return self.more_hosts | {urlsplit(self.issuer).netloc}

    @property
    def scheme(self) -> str:
        """That of the issuer; none of its endpoints may have a weaker one."""
        return urlsplit(self.issuer).scheme


def current() -> Config | None:
    """The identity provider of this console; None when there is none."""
    given: Mapping[str, Any] = getattr(settings, "MAINSTAY_OIDC", None) or {}
    if not given.get("issuer"):
        return None
    rules = Rules(
        role_claim=given.get("role_claim", "groups"),
        roles=tuple((Role(role), frozenset(values)) for role, values in given.get("roles", {}).items()),
        default_role=Role(given["default_role"]) if given.get("default_role") else None,
        topics_claim=given.get("topics_claim", ""),
        admin_needs=frozenset(given.get("admin_needs", ())),
    )
    return Config(
        issuer=given["issuer"],
        client_id=given["client_id"],
        client_secret=given.get("client_secret", ""),
        name=given.get("name", "single sign-on"),
        scopes=tuple(given.get("scopes", ("openid", "profile"))),
        more_hosts=frozenset(given.get("hosts", ())),
        userinfo=bool(given.get("userinfo", False)),
        skew_s=int(given.get("skew_s", 60)),
        rules=rules,
    )
