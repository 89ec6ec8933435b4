"""What the claims of an identity provider give here: a role, topic scopes, a name. No e-mail ever tells anything."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reliability.access.domain.roles import Role
from reliability.access.domain.scopes import MOST_SCOPES, BadScope, TopicFilter
from reliability.kernel.errors import Refused

MOST_VALUES = 1_000  # of one claim; the largest directories put a few hundred groups into a token
LONGEST_VALUE = 300
LONGEST_NAME = 60
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9.@+_-]+")  # ASCII alone: no letter that looks like another
EVERY_TOPIC = ("*",)


class NoRole(Refused):
    """Your account at the identity provider gives you no role here. Who runs it can add you to a group that does."""

    code = "no-role"
    status = 403


class WeakSignIn(Refused):
    """Your role takes a stronger sign-in than this one was."""

    code = "weak-sign-in"
    status = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What gives a role. ``roles``: the claim's values, by role; ``admin_needs``: one of them in ``amr`` or ``acr``."""

    role_claim: str
    roles: tuple[tuple[Role, frozenset[str]], ...]
    default_role: Role | None = None
    topics_claim: str = ""
    admin_needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What somebody is here from now on."""

    role: Role
    topic_scopes: tuple[str, ...]


def standing(claims: Mapping[str, object], rules: Rules) -> Standing:
    """Return the highest role that the claims give; raises ``NoRole``, ``WeakSignIn``, ``BadScope``."""
    values = _values(claims, rules.role_claim)
    given = [role for role, wanted in rules.roles if wanted & values]
    role = max(given, key=lambda each: each.rank) if given else rules.default_role
    if role is None:
        raise NoRole
    if role is Role.ADMIN and rules.admin_needs:
        shown = _values(claims, "amr") | _values(claims, "acr")
        if not shown & rules.admin_needs:
            needed = " or ".join(sorted(rules.admin_needs))
            raise WeakSignIn(f"The role admin takes a sign-in with {needed}. Sign in so at the identity provider.")
    return Standing(role=role, topic_scopes=_topics(claims, rules.topics_claim))


def _topics(claims: Mapping[str, object], claim: str) -> tuple[str, ...]:
    if not claim:
        return EVERY_TOPIC
    patterns = sorted(_values(claims, claim))
    if len(patterns) > MOST_SCOPES:
        raise BadScope(f"The identity provider names {len(patterns)} topic scopes; at most {MOST_SCOPES} are possible.")
    TopicFilter.of(patterns)
    return tuple(patterns)


def _values(claims: Mapping[str, object], name: str) -> frozenset[str]:
    """The words of a claim: a list of them, or one. What is no text, or too long, gives nothing."""
    found = _claim(claims, name)
    listed = found if isinstance(found, list) else [found]
    if len(listed) > MOST_VALUES:
        raise NoRole(f"The claim {name} has {len(listed)} values; at most {MOST_VALUES} are read.")
    return frozenset(each for each in listed if isinstance(each, str) and 0 < len(each) <= LONGEST_VALUE)


def _claim(claims: Mapping[str, object], name: str) -> object:
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def uid(*, issuer: str, subject: str) -> str:
    """The one key of a person: issuer and subject, of any length and spelling, as one word of 64 characters."""
    return hashlib.sha256(f"{len(issuer)}:{issuer}{subject}".encode("utf-8", "surrogatepass")).hexdigest()


def usernames(claims: Mapping[str, object], *, key: str) -> Iterator[str]:
    """Names to try, the nicest first; the later ones have a part of the person's key, so that one is always free."""
    said = claims.get("preferred_username")
    plain = _NOT_IN_NAMES.sub("-", said[: LONGEST_NAME * 2]).strip("-.")[:LONGEST_NAME] if isinstance(said, str) else ""
    if plain:
        yield plain
    for length in (6, 12, 64):
        yield f"{plain or 'sso'}-{key[:length]}"
