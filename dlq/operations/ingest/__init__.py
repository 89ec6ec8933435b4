"""Dead-letter records become letters: stored once, byte for byte, in batches; then whoever waits for one is told."""

from __future__ import annotations

from dlq.operations.ingest.batch import store
from dlq.operations.ingest.told import on_stored
from dlq.operations.ingest.values import Stored, StoredLetter

__all__ = ["Stored", "StoredLetter", "on_stored", "store"]
