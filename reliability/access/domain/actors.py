"""Who acts: a person, a token, the command line, the system itself, a policy; or somebody who is not signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reliability.access.domain.roles import Role
from reliability.access.domain.scopes import EVERYTHING, NOTHING, TopicFilter

Kind = Literal["user", "token", "cli", "system", "policy", "anonymous"]


CLI = "cli:"
"""Before the operating system's user in the name of whoever acts by command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An actor as people read it: who, and by which way if it was no browser."""

    who: str
    way: str

    @property
    def in_words(self) -> str:
        """Both in one phrase."""
        return f"{self.who}, {self.way}" if self.way else self.who


def told(*, kind: str, name: str, account: str) -> Told:
    """Return who acted and how, from what the audit keeps: the person comes first, the way behind."""
    match kind:
        case "user":
            return Told(who=name, way="")
        case "cli":
            user = name.removeprefix(CLI)
            return Told(who=account, way=f"by command line as {user}") if account else Told(who=user, way="on the host")
        case "token":
            return Told(who=account or name, way=f"with the token {name.removeprefix(f'{account}/')}")
    return Told(who=name, way="" if kind == name else kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody or something that acts, with the rights it has at this moment.

    ``name`` is what is shown; ``account`` the username whose rights are used ("" when there is none).
    ``acts``: the only ones that it may do, of those that its role allows; None for all of these.
    ``must_first``: what it has to do before it may do anything, in a sentence; it has no role until then.
    """

    kind: Kind
    name: str
    role: Role | None
    scopes: TopicFilter = NOTHING
    user_id: int | None = None
    account: str = ""
    acts: frozenset[str] | None = None
    must_first: str = ""

    @property
    def shown(self) -> str:
        """Who it is, for people and for what they read later."""
        return told(kind=self.kind, name=self.name, account=self.account).in_words if self.kind == "cli" else self.name

    @property
    def is_signed_in(self) -> bool:
        """Whether it is known who this is."""
        return self.kind != "anonymous"


ANONYMOUS = Actor(kind="anonymous", name="anonymous", role=None)


def system_actor(name: str) -> Actor:
    """The console's own work (a sweep, a relay, a guard): every right, and its entries say it was no person."""
    return Actor(kind="system", name=name, role=Role.ADMIN, scopes=EVERYTHING)


def policy_actor(name: str) -> Actor:
    """A rule that an operator approved beforehand: an operator's rights."""
    return Actor(kind="policy", name=name, role=Role.OPERATOR, scopes=EVERYTHING)
