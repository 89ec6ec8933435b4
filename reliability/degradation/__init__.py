"""Degradation flags: what users may lose, who decides it, and a level that every process reads from its own memory.

``declare("recommendations", title=..., levels={"popular": "...", "off": "..."})`` once, in code that is imported at the
start; ``flag("recommendations").level`` wherever it matters; ``@degraded("recommendations", otherwise=popular)``.
``@fallback_cache("prices", fresh_s=10, stale_s=3600, default=[])`` around what asks a dependency; ``invalidate("a")``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reliability.degradation.domain.fallback import NothingToServe, WrongFallback
    from reliability.degradation.domain.flags import NoSuchLevel, WrongFlag
    from reliability.degradation.fallback.cache import fallback_cache, forget, invalidate
    from reliability.degradation.local.flag import Flag
    from reliability.degradation.registry import NotDeclared, declare, degraded, flag

__all__ = [
    "Flag",
    "NoSuchLevel",
    "NotDeclared",
    "NothingToServe",
    "WrongFallback",
    "WrongFlag",
    "declare",
    "degraded",
    "fallback_cache",
    "flag",
    "forget",
    "invalidate",
]

_HOMES = {
    "Flag": "local.flag",
    "NoSuchLevel": "domain.flags",
    "NothingToServe": "domain.fallback",
    "WrongFallback": "domain.fallback",
    "WrongFlag": "domain.flags",
    "fallback_cache": "fallback.cache",
    "forget": "fallback.cache",
    "invalidate": "fallback.cache",
}


def __getattr__(name: str) -> object:
    """Import on first use: some of it needs models, and this package is imported before models exist."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'registry')}"), name)
    globals()[name] = found  # from now on it is found without this function
    return found
