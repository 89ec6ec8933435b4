"""Degradation over REST, with the rights of the pages."""

from __future__ import annotations

from ninja import Router

from reliability.degradation.api import flags, levels, policies, windows

router = Router()
for part in (flags, levels, policies, windows):
    router.add_router("", part.router)
