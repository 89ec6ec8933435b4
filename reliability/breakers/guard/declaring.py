"""Rules of a breaker are said where it is declared; a process that only names it goes by what others have said."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import orjson
import structlog

from reliability.breakers.domain.rules import Rules, WrongRules
from reliability.breakers.guard.guard import Guard
from reliability.breakers.stores.port import Store

log = structlog.get_logger(__name__)


def said(guards: Collection[Guard]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the rules of those that are declared here, as text by name, and of those that are only named here."""
    texts = {guard.name: (guard.is_declared, guard.declared.as_json()) for guard in guards}
    declared = {name: text for name, (is_declared, text) in texts.items() if is_declared}
    return declared, {name: text for name, (is_declared, text) in texts.items() if not is_declared}


def hear(store: Store, guards: Collection[Guard]) -> set[str]:
    """Know what another process declares of those that are only named here; return which have other rules now.

    Raises ``Unreachable``.
    """
    changed = set()
    named = {guard.name: guard for guard in guards if not guard.is_declared}
    for name, text in (store.declared(sorted(named)) if named else {}).items():
        guard, rules = named[name], _read(name, text)
        if rules is not None and rules != guard.declared and not guard.is_declared:
            guard.declared = rules
            changed.add(name)
    return changed


def _read(name: str, text: str) -> Rules | None:
    try:
        return Rules().with_changes(orjson.loads(text))
    except (ValueError, WrongRules, AttributeError) as error:  # of another version
        log.warning("breakers_rules_unread", name=name, error=str(error))
        return None
