"""Consumer lag over REST: what the pages show, with the same rights."""

from __future__ import annotations

from ninja import Router

from reliability.lag.api import groups, mutes, resets, topics

router = Router()
for part in (groups, mutes, resets, topics):
    router.add_router("", part.router)
