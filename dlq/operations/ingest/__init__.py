"""Dead-letter records become letters: stored once, byte for byte, in batches.

Who waits for new letters listens to the registry: kind ``letter``, ids, after the commit; may be lost, so have a sweep.
"""

from __future__ import annotations

from dlq.operations.ingest.batch import Ahead, store
from dlq.operations.ingest.values import Stored

__all__ = ["Ahead", "Stored", "store"]
