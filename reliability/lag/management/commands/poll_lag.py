"""Watches the consumer groups of every cluster until it is told to stop."""

from __future__ import annotations

import threading
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection

from reliability.kafka import clusters
from reliability.kernel import clock, command_line, process
from reliability.lag.domain import schedule
from reliability.lag.operations import recording
from reliability.lag.polling.poller import Poller
from reliability.live.operations import DatabaseHeartbeat


class Command(command_line.HelpfulCommand):
    """The process ``lag``."""

    help = (
        "Look at all consumer groups of the clusters (KAFKA_CLUSTERS), judge them, keep their history. Several may run:"
        " one polls a cluster, the others wait to take over."
    )

    examples = (("poll_lag",), ("poll_lag", "--cluster", clusters.MAIN))

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--cluster", action="append", choices=clusters.names(), help="only this one; may be given several times"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["cluster"] or clusters.names()
        recording.retire(configured=clusters.names(), now=clock.SYSTEM.now())
        process.keep_what_is_loaded()
        with process.stop_on_signals() as stop:
            # A thread for each: a cluster that does not answer must not keep the others waiting.
            threads = [
                threading.Thread(target=watch, args=(name, stop), name=f"lag-{name}", daemon=True)
                for name in wanted[1:]
            ]
            for thread in threads:
                thread.start()
            watch(wanted[0], stop)
            for thread in threads:
                thread.join(timeout=10)


def watch(cluster: str, stop: threading.Event) -> None:
    """Poll one cluster until the event is set."""
    poller = Poller(
        cluster,
        make_admin=partial(clusters.group_admin, cluster, client_id="mainstay-lag"),
        make_reader=partial(clusters.reader, cluster, client_id="mainstay-lag"),
        intervals=schedule.Intervals(
            hot_s=getattr(settings, "LAG_HOT_S", schedule.DEFAULT.hot_s),
            quiet_s=getattr(settings, "LAG_QUIET_S", schedule.DEFAULT.quiet_s),
        ),
        budget=schedule.Budget(per_minute=getattr(settings, "LAG_REQUESTS_PER_MINUTE", None)),
    )
    name = "lag" if cluster == clusters.MAIN else f"lag:{cluster}"
    try:
        process.run(poller.step, name=name, heartbeat=DatabaseHeartbeat(), stop=stop, facts=poller.facts)
    finally:
        poller.close()
        connection.close()
