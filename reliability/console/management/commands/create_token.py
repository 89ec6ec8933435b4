"""``manage.py create_token``: a machine's way in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from reliability import access
from reliability.console.operations import accounts
from reliability.kernel import clock, command_line


class Command(command_line.PeopleCommand):
    """Make an API token of an account and print it, this once."""

    help = "Makes an API token and prints it on standard output: the only time it can be seen."
    examples = (
        ("create_token", "--username", "ada", "--name", "nightly report"),
        (
            "create_token",
            "--username",
            "ada",
            "--name",
            "dashboard",
            "--role",
            "viewer",
            "--topics",
            "orders*",
            "--days",
            "30",
        ),
        ("create_token", "--username", "ada", "--name", "flags of the shop", "--only", "degradation.evaluate"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Define whose, what for, with which rights, for how long."""
        parser.add_argument("--username", required=True)
        parser.add_argument("--name", required=True, help="what uses it")
        parser.add_argument(
            "--role", choices=[role.value for role in access.Role], help="fewer rights than the account has"
        )
        parser.add_argument("--topics", action="append", metavar="SCOPE", help="fewer topics than the account sees")
        parser.add_argument("--only", action="append", metavar="ACT", help="for this act alone: degradation.evaluate")
        parser.add_argument("--days", type=int, default=90, help="life in days; default 90")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make and print the token."""
        issued = accounts.issue_token(
            actor=access.host_actor(),
            username=options["username"],
            name=options["name"],
            role=access.Role(options["role"]) if options["role"] else None,
            topic_scopes=options["topics"],
            acts=options["only"],
            life=timedelta(days=_days(options["days"])),
            now=clock.SYSTEM.now(),
        )
        self.stdout.write(issued.secret)
        until = issued.token.expires_at.date().isoformat()
        self.aside(f"{issued.token}: {issued.token.role}, until {until}")


def _days(days: int) -> int:
    if not 1 <= days <= 3650:
        raise CommandError("--days is between 1 and 3650.")
    return days
