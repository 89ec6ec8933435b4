"""``manage.py permissions``: the permission matrix."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from reliability.console import permissions
from reliability.kernel import command_line


class Command(command_line.PeopleCommand):
    """Print the permission matrix, write it into the documents, or say whether the document is current."""

    help = "Prints which role may do what, by which page, operation, topic, command and task."
    examples = (("permissions",), ("permissions", "--write"), ("permissions", "--check"))

    def add_arguments(self, parser: CommandParser) -> None:
        """Define what becomes of it."""
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--write", action="store_true", help=f"write {permissions.DOCUMENT}")
        what.add_argument("--check", action="store_true", help=f"fail when {permissions.DOCUMENT} is not current")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print, write or compare."""
        text, path = permissions.document(), settings.BASE_DIR / permissions.DOCUMENT
        if options["write"]:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            self.stdout.write(f"{permissions.DOCUMENT} is current.")
        elif options["check"]:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                again = command_line.spelled("permissions", "--write")
                raise CommandError(f"{permissions.DOCUMENT} is not current: {again}")
            self.stdout.write(f"{permissions.DOCUMENT} is current.")
        else:
            self.stdout.write(text, ending="")
