"""Sagas over REST: the same questions and acts as the command line, with the same rights."""

from __future__ import annotations

from ninja import Router

from sagas.api import acts, batches, reconcile, repair_batches, sagas

router = Router()
for part in (sagas, acts, batches, reconcile, repair_batches):
    router.add_router("", part.router)
