"""Runs the demo's shop until it is told to stop."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from reliability.kernel import command_line, process
from reliability.live import operations as live_operations
from sagas.orders import shop


class Command(command_line.HelpfulCommand):
    """Order, payment, stock, shipment and another team's invoicing, as threads of this process."""

    help = "Run the demo's shop: services on real topics with faults that can be switched on the page /demo/."

    examples = (("run_demo",), ("run_demo", "--every", "0.2"))

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--every", type=float, default=shop.ORDER_EVERY_S, help="seconds between orders (default %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        shop.prepare()
        with process.stop_on_signals() as stop:
            shop.run(stop=stop, heartbeat=live_operations.DatabaseHeartbeat(), every_s=options["every"])
