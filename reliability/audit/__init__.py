"""Every operator act, on record: ``with audit.action("letters.replay", actor=..., target=...) as entry``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reliability.audit.operations import (
        Draft,
        LeftAlone,
        ReasonNotText,
        ReasonRequired,
        ReasonTooLong,
        action,
        admitted,
    )

__all__ = ["Draft", "LeftAlone", "ReasonNotText", "ReasonRequired", "ReasonTooLong", "action", "admitted"]


def __getattr__(name: str) -> object:
    """Import on first use: the operations need models, and this package is imported before models exist."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.operations"), name)
