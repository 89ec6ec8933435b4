"""How the certificates stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from reliability.certificates.domain import standing
from reliability.certificates.models import Certificate

_ROLES: dict[str, standing.Role] = {role: role for role in get_args(standing.Role)}
_ORDER = ("crit", "warn", "unknown", "ok")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A certificate and how it stands now."""

    name: str
    role: standing.Role
    where: str
    subject: str
    ends_at: datetime | None
    looked_at: datetime | None
    tried_at: datetime
    standing: standing.Standing


def rows(*, now: datetime) -> list[Row]:
    """Return every certificate, the most urgent first."""
    found = [_row(each, now) for each in Certificate.objects.all()]
    return sorted(found, key=lambda row: (_ORDER.index(row.standing.status), row.ends_at or now, row.name))


def _row(row: Certificate, now: datetime) -> Row:
    role = _ROLES.get(row.role, "server")
    seen = standing.Seen(
        name=row.name, role=role, where=row.where, ends_at=row.ends_at, looked_at=row.looked_at, error=row.error
    )
    return Row(
        name=row.name,
        role=role,
        where=row.where,
        subject=row.subject,
        ends_at=row.ends_at,
        looked_at=row.looked_at,
        tried_at=row.tried_at,
        standing=standing.judged(seen, now=now),
    )
