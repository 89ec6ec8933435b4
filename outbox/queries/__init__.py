"""Reads of the outbox, for the console, the API, the command line and the apps above."""

from __future__ import annotations

from outbox.queries.inbox import InboxRow, inbox_states
from outbox.queries.receipts import Receipt, receipts, unsent

__all__ = ["InboxRow", "Receipt", "inbox_states", "receipts", "unsent"]
