"""``manage.py create_account``: the only way to the first account."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from reliability import access
from reliability.console.operations import accounts
from reliability.kernel import command_line


class Command(command_line.PeopleCommand):
    """Make an account with a role, or change one. Whoever may run commands on this host may do this."""

    help = (
        "Makes an account: a username, a role, optionally topic scopes. The password never stands on the command line."
    )
    examples = (
        ("create_account", "--username", "ada", "--role", "admin"),
        ("create_account", "--username", "bob", "--role", "operator", "--topics", "orders*", "--password-file", "FILE"),
        ("create_account", "--username", "bob", "--role", "viewer", "--topics", "orders*", "--update"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Define who and how the password comes."""
        parser.add_argument("--username", required=True)
        parser.add_argument("--role", required=True, choices=[role.value for role in access.Role])
        parser.add_argument(
            "--topics", action="append", metavar="SCOPE", help="name, prefix* or glob; repeatable; default *"
        )
        parser.add_argument(
            "--update", action="store_true", help="change the account if it exists: role, topics, password"
        )
        source = parser.add_mutually_exclusive_group()
        source.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
        source.add_argument("--password-file", type=Path, metavar="PATH", help="read the password from a file")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make or change the account."""
        account = accounts.create_account(
            actor=access.host_actor(),
            username=options["username"],
            password=_password(options),
            role=access.Role(options["role"]),
            topic_scopes=options["topics"] or ["*"],
            update=options["update"],
        )
        scopes = ", ".join(account.topic_scopes)
        self.stdout.write(f"{options['username']}: {account.role}, topics {scopes}")


def _password(options: dict[str, Any]) -> str:
    if options["password_file"] is not None:
        try:
            text = Path(options["password_file"]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"The password file cannot be read: {error}") from error
        return text.rstrip("\r\n")
    if options["password_stdin"]:
        return sys.stdin.read().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CommandError("No terminal to ask for the password: use --password-stdin or --password-file.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != password:
        raise CommandError("These were two different passwords, and no account was made or changed. Type it again.")
    return password
