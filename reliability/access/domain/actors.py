"""Who acts: a person, a token, the command line, the system itself, a policy; or somebody who is not signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reliability.access.domain.roles import Role
from reliability.access.domain.scopes import EVERYTHING, NOTHING, TopicFilter

Kind = Literal["user", "token", "cli", "system", "policy", "anonymous"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody or something that acts, with the rights it has at this moment.

    ``name`` is what is shown; ``account`` the username whose rights are used ("" when there is none).
    """

    kind: Kind
    name: str
    role: Role | None
    scopes: TopicFilter = NOTHING
    user_id: int | None = None
    account: str = ""

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
