"""Degradation flags: what users may lose, who decides it, and a level that every process reads from its own memory.

``declare("recommendations", title=..., levels={"popular": "...", "off": "..."})`` once, in code that is imported at the
start; ``flag("recommendations").level`` wherever it matters; ``@degraded("recommendations", otherwise=popular)``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reliability.degradation.domain.flags import NoSuchLevel, WrongFlag
    from reliability.degradation.local.flag import Flag
    from reliability.degradation.registry import NotDeclared, declare, degraded, flag

__all__ = ["Flag", "NoSuchLevel", "NotDeclared", "WrongFlag", "declare", "degraded", "flag"]

_HOMES = {"Flag": "local.flag", "NoSuchLevel": "domain.flags", "WrongFlag": "domain.flags"}


def __getattr__(name: str) -> object:
    """Import on first use: some of it needs models, and this package is imported before models exist."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'registry')}"), name)
    globals()[name] = found  # from now on it is found without this function
    return found
