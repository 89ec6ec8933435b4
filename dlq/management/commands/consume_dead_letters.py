"""Stores the letters of every dead-letter topic until it is told to stop."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from dlq import handlers
from dlq.queries import storing
from reliability.kafka import clusters
from reliability.kernel import command_line, process
from reliability.live.operations import DatabaseHeartbeat


class Command(command_line.HelpfulCommand):
    """The process ``letters``."""

    help = "Read the dead-letter topics of a cluster (DLQ_TOPIC_PATTERNS) and store each record as a letter."

    examples = (("consume_dead_letters",), ("consume_dead_letters", "--cluster", clusters.MAIN))

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--cluster", default=clusters.MAIN, choices=clusters.names(), help="a name of KAFKA_CLUSTERS"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        cluster = options["cluster"]
        letters = handlers.Letters(cluster=cluster)
        name = storing.process_name(cluster)
        process.keep_what_is_loaded()
        with process.stop_on_signals() as stop:
            try:
                process.run(letters.step, name=name, heartbeat=DatabaseHeartbeat(), stop=stop, facts=letters.facts)
            finally:
                letters.close()
