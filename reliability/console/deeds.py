"""What people did to a thing, as its page shows it: entries of the audit whose target it is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import urlencode

from reliability import access
from reliability.audit import queries as audit_queries
from reliability.console import queries
from reliability.console.domain.values import Part
from reliability.console.registry import REGISTRY, Related
from reliability.console.related import PAGES

ENTRIES_MAX = 40  # lines of a timeline that others share; the newest


def register() -> None:
    """Register for every kind of thing that has a page; called once at start."""
    for kind in PAGES:
        source = Related(name="Acts", act="activity.view", ask=partial(acts, kind), order=90, is_quiet=True)
        REGISTRY.register_related(kind, source)


def acts(kind: str, actor: access.Actor, thing: str, within_s: float) -> Sequence[Part]:
    """Return one part for all acts on the thing that the actor may see: those with the target ``kind:id``."""
    target = f"{kind}:{thing}"
    wanted = audit_queries.EntryFilter(target_is=target)
    page = audit_queries.entries(actor=actor, wanted=wanted, limit=ENTRIES_MAX)
    if not page.entries:
        return []
    newest = queries.act_row(page.entries[0])
    count = len(page.entries)
    more = page.next_before is not None
    return [
        Part(
            kind="acts",
            title=f"the newest {count} acts" if more else f"{count} act{'' if count == 1 else 's'}",
            text=f"{newest.who} {newest.text}",
            url=f"/activity/?{urlencode({'target': target}, safe=':/')}",
            status=newest.status,
            word=page.entries[0].outcome.capitalize(),
            at=newest.at,
            happened=tuple(queries.act_row(entry) for entry in page.entries),
        )
    ]
