"""``manage.py reset_second_factor``: for somebody who lost the telephone and the printed codes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from reliability import access
from reliability.console.operations import accounts
from reliability.kernel import command_line


class Command(command_line.PeopleCommand):
    """Take an account's second factors off and end its sessions. Whoever may run commands on this host may do this."""

    help = "Takes an account's second factors off and ends its sessions; the password stays."
    examples = (("reset_second_factor", "--username", "ada"),)

    def add_arguments(self, parser: CommandParser) -> None:
        """Define whose."""
        parser.add_argument("--username", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say what there was."""
        taken = accounts.reset_factor(actor=access.host_actor(), username=options["username"])
        told = "its second factors are off, its sessions ended" if taken else "it had no second factor; sessions ended"
        self.stdout.write(f"{options['username']}: {told}")
