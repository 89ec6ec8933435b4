"""Relays the outbox to Kafka until it is told to stop."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from outbox import relay
from reliability import access
from reliability.kernel import command_line, process
from reliability.live.operations import DatabaseHeartbeat


class Command(command_line.HelpfulCommand):
    """A relay of its own, beside or instead of the Celery worker ``relay``; several share the shards."""

    help = "Send committed outbox events to Kafka, as a dedicated process."

    examples = (("relay_outbox",),)

    def handle(self, *args: Any, **options: Any) -> None:
        if access.is_read_only():
            raise CommandError(f"{access.ReadOnly.__doc__} The outbox is not sent from here.")
        here = relay.of_this_process(hosting="process")
        with process.stop_on_signals() as stop:
            try:
                relay.serve(here, stop=stop, heartbeat=DatabaseHeartbeat())
            finally:
                here.close()
