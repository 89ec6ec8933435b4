"""Breakers over REST: what the pages show and do, with the same rights."""

from __future__ import annotations

from ninja import Router

from reliability.breakers.api import acts, breakers

router = Router()
for part in (breakers, acts):
    router.add_router("", part.router)
