"""How people sign in, as Django's settings have it."""

from __future__ import annotations

from typing import Any

from reliability.environment import Environment


def oidc(environment: Environment) -> dict[str, Any]:
    """The identity provider; empty when there is none."""
    if not environment.MAINSTAY_OIDC_ISSUER:
        return {}
    return {
        "issuer": environment.MAINSTAY_OIDC_ISSUER,
        "client_id": environment.MAINSTAY_OIDC_CLIENT_ID,
        "client_secret": environment.MAINSTAY_OIDC_CLIENT_SECRET,
        "name": environment.MAINSTAY_OIDC_NAME,
        "scopes": environment.MAINSTAY_OIDC_SCOPES,
        "hosts": environment.MAINSTAY_OIDC_HOSTS,
        "userinfo": environment.MAINSTAY_OIDC_USERINFO,
        "role_claim": environment.MAINSTAY_OIDC_ROLE_CLAIM,
        "roles": environment.MAINSTAY_OIDC_ROLES,
        "default_role": environment.MAINSTAY_OIDC_DEFAULT_ROLE,
        "topics_claim": environment.MAINSTAY_OIDC_TOPICS_CLAIM,
        "admin_needs": environment.MAINSTAY_OIDC_ADMIN_NEEDS,
        "skew_s": environment.MAINSTAY_OIDC_CLOCK_SKEW_S,
    }
