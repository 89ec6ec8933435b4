"""What became of what was sent: receipts, inbox rows, new letters, committed offsets.

Each function looks once at everything that is open. It may be called from anywhere at any time; a look that is lost is
made up for by the next one.
"""

from __future__ import annotations

from dlq.operations.outcomes.late import settle_late
from dlq.operations.outcomes.receipts import take_receipts
from dlq.operations.outcomes.watching import settle_sent

__all__ = ["settle_late", "settle_sent", "take_receipts"]
