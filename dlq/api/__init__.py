"""Dead letters over REST: the same acts as the pages and the command line, with the same rights."""

from __future__ import annotations

from ninja import Router

from dlq.api import discards, groups, letters, plans, replays

router = Router()
for part in (groups, letters, plans, replays, discards):
    router.add_router("", part.router)
