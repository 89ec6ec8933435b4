"""Looking at certificates, and writing down what was seen."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from reliability.certificates import connection
from reliability.certificates.definitions import Place, places
from reliability.certificates.domain import standing
from reliability.certificates.models import Certificate
from reliability.kernel import certificates
from reliability.kernel.errors import Refused
from reliability.kernel.text import printable

WITHIN_S = 3.0
AT_ONCE = 8
ERROR_CHARACTERS = 300


def look(*, now: datetime) -> int:
    """Look at each certificate whose time it is; forget those that nothing names any more. Returns how many it was.

    Raises nothing for one that cannot be seen: that is written down beside what was seen before.
    """
    wanted = {place.name: place for place in places()}
    Certificate.objects.exclude(name__in=list(wanted)).delete()
    known = {row.name: row for row in Certificate.objects.all()}
    due = [place for place in wanted.values() if _is_due(known.get(place.name), now=now)]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="certificates") as pool:
        seen = list(pool.map(_seen, due))  # no query in these threads
    for place, found in zip(due, seen, strict=True):
        if isinstance(found, str):
            changes: dict[str, object] = {"error": found}
        else:
            changes = {"error": "", "subject": printable(found.subject, limit=300), "ends_at": found.ends_at}
            changes["looked_at"] = now
        Certificate.objects.update_or_create(
            name=place.name, defaults={"role": place.role, "where": place.where, "tried_at": now, **changes}
        )
    return len(due)


def _is_due(row: Certificate | None, *, now: datetime) -> bool:
    return row is None or standing.is_due(looked_at=row.looked_at, tried_at=row.tried_at, now=now)


def _seen(place: Place) -> certificates.Certificate | str:
    """Return the certificate, or why it cannot be seen."""
    try:
        if not place.path:
            return connection.shown(
                place.host, place.port, context=place.context(), asks_first=place.asks_first, within_s=WITHIN_S
            )
        if os.path.isdir(place.path):
            return "is a folder: look at the files in it yourself"
        found = certificates.in_file(place.path)
    except (OSError, ValueError, Refused) as error:
        return printable(str(error) or type(error).__name__, limit=ERROR_CHARACTERS)
    except Exception as error:  # noqa: BLE001 - what a server shows, and what it is read with, is not ours
        return printable(f"{type(error).__name__}: {error}", limit=ERROR_CHARACTERS)
    # The first is a client's own. Of authorities the one that ends last: its predecessors may end beside it.
    return found[0] if place.role == "client" else max(found, key=lambda each: each.ends_at)
