"""Reads of the outbox, for the console, the API, the command line and the apps above."""

from __future__ import annotations

from outbox.queries.about import EventRow, about
from outbox.queries.held import held_back
from outbox.queries.inbox import InboxRow, inbox_states
from outbox.queries.parked import PAGE_ROWS_MAX, ParkedRow, parked, parked_count, parked_reasons
from outbox.queries.partitions import partitions_ahead
from outbox.queries.receipts import Receipt, receipts, unsent
from outbox.queries.relays import RelayRow, relay_heard_within, relays
from outbox.queries.shards import Backlog, ShardRow, backlog, halted, paused_shards, rates, seen, shards, total

__all__ = [
    "PAGE_ROWS_MAX",
    "Backlog",
    "EventRow",
    "InboxRow",
    "ParkedRow",
    "Receipt",
    "RelayRow",
    "ShardRow",
    "about",
    "backlog",
    "halted",
    "held_back",
    "inbox_states",
    "parked",
    "parked_count",
    "parked_reasons",
    "partitions_ahead",
    "paused_shards",
    "rates",
    "receipts",
    "relay_heard_within",
    "relays",
    "seen",
    "shards",
    "total",
    "unsent",
]
