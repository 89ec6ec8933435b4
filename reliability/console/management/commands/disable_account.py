"""``manage.py disable_account``: for somebody who left, or whose password somebody else has."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from reliability import access
from reliability.console.operations import accounts
from reliability.kernel import command_line


class Command(command_line.PeopleCommand):
    """Disable an account, or enable it again. Whoever may run commands on this host may do this."""

    help = "Disables an account: its sessions end, and neither password nor provider nor token opens anything."
    examples = (
        ("disable_account", "--username", "bob"),
        ("disable_account", "--username", "bob", "--enable"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Define whose."""
        parser.add_argument("--username", required=True)
        parser.add_argument("--enable", action="store_true", help="let it in again, with the tokens that it had")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say what there was."""
        username, enable = options["username"], options["enable"]
        ended = accounts.set_active(actor=access.host_actor(), username=username, active=enable)
        told = "may come in again" if enable else f"disabled, {ended} session{'' if ended == 1 else 's'} ended"
        self.stdout.write(f"{username}: {told}")
