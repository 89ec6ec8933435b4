"""Switches a fault of the demo's shop on or off."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from reliability import access
from reliability.kernel import clock, command_line
from sagas.orders import operations, queries
from sagas.orders.domain.faults import FAULTS


class Command(command_line.PeopleCommand):
    """The command-line twin of the page /demo/."""

    help = "Switch a fault of the demo on or off; without arguments list the faults."
    examples = (("demo_switch",), ("demo_switch", "payments_outage", "off", "--as", "operator"))

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("fault", nargs="?", choices=sorted(FAULTS))
        parser.add_argument("state", nargs="?", choices=("on", "off"))
        parser.add_argument("--as", dest="account", default="", help="the account in whose name to act")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["fault"] and not (options["state"] and options["account"]):
            raise CommandError("To switch a fault say on or off, and in whose name: --as USERNAME.")
        if options["fault"]:
            operations.switch(
                name=options["fault"],
                on=options["state"] == "on",
                actor=access.cli_actor(options["account"]),
                now=clock.SYSTEM.now(),
            )
        for fault, on in queries.switches():
            self.stdout.write(f"{fault.name:18} {'on ' if on else 'off'}  {fault.title}")
