"""Problem documents."""

from __future__ import annotations

from ninja import NinjaAPI


def install(api: NinjaAPI) -> None:
    """Install handlers."""
