"""The three roles, each including the ones before it."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an account is trusted with."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """The place in the order of trust, from 0."""
        return list(Role).index(self)

    def covers(self, needed: Role) -> bool:
        """Whether this role includes the rights of ``needed``."""
        return self.rank >= needed.rank

    @staticmethod
    def lesser(one: Role, other: Role) -> Role:
        """The role with fewer rights of the two."""
        return min(one, other, key=lambda role: role.rank)
