"""Taking, keeping and giving up leases. All time is the database's: ``clock_timestamp()``, one clock for every process.

A lease only says who may start; whatever it protects must also check the fence where it writes, because a paused owner
does not know that its time is over.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from django.db import connection

from reliability.kernel.errors import Transient


class LeaseLost(Transient):
    """The lease ran out or has another owner now."""


class LeaseTaken(Transient):
    """Somebody else has the lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to do ``name`` alone until ``until``; ``fence`` is higher than that of every owner before."""

    name: str
    owner: str
    fence: int
    until: datetime


# One statement, so two callers at once are put in order by the row's lock; the later one sees the earlier one's row.
_ACQUIRE = """
insert into reliability_locks_lease as lease (name, owner, fence, until)
values (%(name)s, %(owner)s, 1, clock_timestamp() + make_interval(secs => %(ttl_s)s))
on conflict (name) do update
set owner = excluded.owner, fence = lease.fence + 1, until = clock_timestamp() + make_interval(secs => %(ttl_s)s)
where lease.until <= clock_timestamp()
returning fence, until
"""
_RENEW = """
update reliability_locks_lease set until = clock_timestamp() + make_interval(secs => %(ttl_s)s)
where name = %(name)s and owner = %(owner)s and fence = %(fence)s and until > clock_timestamp()
returning fence, until
"""
_RELEASE = """
update reliability_locks_lease set until = clock_timestamp()
where name = %(name)s and owner = %(owner)s and fence = %(fence)s and until > clock_timestamp()
returning fence, until
"""
_CHECK = """
select fence, until from reliability_locks_lease
where name = %(name)s and owner = %(owner)s and fence = %(fence)s and until > clock_timestamp()
"""
_HOLD = _CHECK + "for share"


def acquire(*, name: str, owner: str, ttl_s: float) -> Lease | None:
    """Take the lease for ``ttl_s`` seconds; None while it is anybody's, this owner's own too (renew that one)."""
    if ttl_s <= 0:
        raise ValueError("a lease lasts longer than no time")
    found = _run(_ACQUIRE, {"name": name, "owner": owner, "ttl_s": ttl_s})
    return Lease(name=name, owner=owner, fence=found[0], until=found[1]) if found else None


def renew(*, lease: Lease, ttl_s: float) -> Lease:
    """Keep the lease for ``ttl_s`` seconds from now; raises ``LeaseLost`` when its time was over, taken or not."""
    return _checked(lease, _run(_RENEW, {**_identity(lease), "ttl_s": ttl_s}))


def release(*, lease: Lease) -> bool:
    """Give the lease up; False when it was lost before."""
    return _run(_RELEASE, _identity(lease)) is not None


def hold(*, lease: Lease) -> Lease:
    """Inside a transaction: make sure the lease is ours, and that nobody can take it before the transaction ends.

    The fence check for work in this same database. Raises ``LeaseLost``.
    """
    return _checked(lease, _run(_HOLD, _identity(lease)))


@dataclass(slots=True)
class Held:
    """A lease taken by ``lease(...)``."""

    lease: Lease

    @property
    def fence(self) -> int:
        """The fencing number to write beside everything done under the lease."""
        return self.lease.fence

    @property
    def lost(self) -> bool:
        """Whether the lease ran out or has another owner; asks the database."""
        return _run(_CHECK, _identity(self.lease)) is None

    def renew(self, *, ttl_s: float) -> None:
        """Keep it for ``ttl_s`` seconds from now; raises ``LeaseLost``."""
        self.lease = renew(lease=self.lease, ttl_s=ttl_s)


@contextmanager
def lease(*, name: str, ttl_s: float, owner: str | None = None) -> Iterator[Held]:
    """Take a lease around a block and give it up after it; raises ``LeaseTaken``.

    Not inside a transaction: others who want the lease would wait for its end.
    """
    taken = acquire(name=name, owner=owner or _somebody(), ttl_s=ttl_s)
    if taken is None:
        raise LeaseTaken(f"Somebody else has the lease {name!r}.")
    held = Held(taken)
    try:
        yield held
    finally:
        release(lease=held.lease)


def _somebody() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


def _identity(lease: Lease) -> dict[str, str | float]:
    return {"name": lease.name, "owner": lease.owner, "fence": lease.fence}


def _checked(lease: Lease, found: tuple[int, datetime] | None) -> Lease:
    if found is None:
        raise LeaseLost(f"The lease {lease.name!r} #{lease.fence} of {lease.owner} ran out or has another owner now.")
    return Lease(name=lease.name, owner=lease.owner, fence=found[0], until=found[1])


def _run(statement: str, values: dict[str, str | float]) -> tuple[int, datetime] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: tuple[int, datetime] | None = cursor.fetchone()
    return found
