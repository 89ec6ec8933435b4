"""``manage.py verify_audit``: is the audit what was written?"""

from __future__ import annotations

import argparse
import re
from typing import Any

from django.core.management.base import CommandParser

from reliability.audit import queries
from reliability.kernel import command_line


class Command(command_line.PeopleCommand):
    """Check the hash chain from the first entry; exit 1 and name the first bad entry when it is broken."""

    help = (
        "Checks the audit's hash chain. Note the printed head somewhere else: with --expect it shows a chain cut short."
    )
    examples = (("verify_audit",), ("verify_audit", "--expect", "SEQ:HASH"))

    def add_arguments(self, parser: CommandParser) -> None:
        """Define ``--expect``."""
        parser.add_argument(
            "--expect",
            action="append",
            default=[],
            type=_head,
            metavar="SEQ:HASH",
            help="a head printed earlier, kept outside this database; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify and say so."""
        found = queries.verify(heads=dict(options["expect"]))
        if found.broken is not None:
            self.stderr.write(
                f"broken: entry {found.broken.seq}: {found.broken.problem}. {found.checked} entries before it are good."
            )
            raise SystemExit(1)
        self.stdout.write(f"intact: {found.checked} entries, head {found.head}")


def _head(text: str) -> tuple[int, bytes]:
    seq, _, digest = text.partition(":")
    if not re.fullmatch("[1-9][0-9]{0,17}", seq) or not re.fullmatch("[0-9a-f]{64}", digest):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form SEQ:HASH as this command prints it")
    return int(seq), bytes.fromhex(digest)
