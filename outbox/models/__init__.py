"""Tables of the outbox. They are made by SQL in the migrations; these models only look at them."""

from __future__ import annotations

from outbox.models.events import Event, Parked, Receipt, Waiting
from outbox.models.inbox import Inbox
from outbox.models.relay import Member, Setting, Shard, Topic

__all__ = ["Event", "Inbox", "Member", "Parked", "Receipt", "Setting", "Shard", "Topic", "Waiting"]
