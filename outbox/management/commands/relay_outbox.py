"""Relays the outbox to Kafka until it is told to stop."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from outbox import relay
from reliability.kernel import process
from reliability.live.operations import DatabaseHeartbeat


class Command(BaseCommand):
    """A relay of its own, beside or instead of the Celery worker ``relay``; several share the shards."""

    help = "Send committed outbox events to Kafka, as a dedicated process."

    def handle(self, *args: Any, **options: Any) -> None:
        here = relay.of_this_process(hosting="process")
        with process.stop_on_signals() as stop:
            try:
                relay.serve(here, stop=stop, heartbeat=DatabaseHeartbeat())
            finally:
                here.close()
