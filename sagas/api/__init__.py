"""Sagas over REST: the same questions and acts as the command line, with the same rights."""

from __future__ import annotations

from ninja import Router

from sagas.api import acts, reconcile, sagas

router = Router()
for part in (sagas, acts, reconcile):
    router.add_router("", part.router)
