"""``manage.py end_sessions``: signs somebody out everywhere."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from reliability import access
from reliability.console.operations import sessions
from reliability.kernel import command_line


class Command(command_line.PeopleCommand):
    """End all sessions of an account. Whoever may run commands on this host may do this."""

    help = "Signs an account out of every browser at once. Its API tokens go on: `tokens revoke` ends those."
    examples = (("end_sessions", "--username", "ada"),)

    def add_arguments(self, parser: CommandParser) -> None:
        """Define whose."""
        parser.add_argument("--username", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say how many there were."""
        ended = sessions.end_all(actor=access.host_actor(), username=options["username"])
        self.stdout.write(f"{options['username']}: {ended} session{'' if ended == 1 else 's'} ended")
