"""``manage.py lag``: consumer groups on the terminal, the worst first."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from reliability import access
from reliability.kernel import clock, command_line
from reliability.lag.api import bodies as api
from reliability.lag.domain import sentences, verdict
from reliability.lag.domain.values import Word
from reliability.lag.management import printing
from reliability.lag.queries import clusters, groups
from reliability.lag.queries.groups import Search
from reliability.lag.queries.rows import Row

WATCH_EVERY_S = 2.0
CLEAR = "\x1b[H\x1b[2J"
"""To the first place of the terminal, and nothing behind it."""


class Command(command_line.PeopleCommand):
    """Reads what the poller wrote down; asks no broker."""

    help = """\
Consumer groups, the worst first: how far behind, since when, why, until when.
With --group the partitions of one group. What is not known is said so, never 0.
Without --as it shows everything; with it, what that account may see.

Exit status: 0 shown, 1 refused (no such group, no such account)."""
    examples = (
        ("lag",),
        ("lag", "--word", "stall", "--json"),
        ("lag", "--group", "billing"),
        ("lag", "--watch"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Define the options."""
        parser.add_argument("--group", metavar="NAME", help="the partitions of this group")
        parser.add_argument("--text", default="", help="parts of a name of a group or topic")
        parser.add_argument("--word", type=_word, help=f"only this verdict: {', '.join(each.value for each in Word)}")
        parser.add_argument("--cluster", default="", help="only this cluster")
        parser.add_argument(
            "--limit", type=int, default=groups.PAGE, help=f"groups to show, {groups.PAGE} unless given"
        )
        parser.add_argument("--json", action="store_true", help="print a JSON document, the same as the API's")
        parser.add_argument("--watch", action="store_true", help="show it again every 2 s until Ctrl-C")
        parser.add_argument("--as", dest="account", metavar="USER", help="the account whose rights count")

    def handle(self, *args: Any, **options: Any) -> None:
        """Show it once, or again and again."""
        actor = access.cli_actor(options["account"]) if options["account"] else access.host_actor()
        access.admit(actor, "lag.view")
        if not options["watch"]:
            self._show(actor, options)
            return
        with suppress(KeyboardInterrupt):
            while True:
                if self.stdout.isatty() and not options["json"]:
                    self.stdout.write(CLEAR, ending="")
                self._show(actor, options)
                self.stdout.flush()
                clock.SYSTEM.sleep(WATCH_EVERY_S)

    def _show(self, actor: access.Actor, options: dict[str, Any]) -> None:
        now = clock.SYSTEM.now()
        lines = self._group(actor, options) if options["group"] else self._list(actor, options, now)
        for line in lines:
            self.stdout.write(line)
        if not options["json"]:
            for warning in printing.warnings(clusters.polling(actor=actor), now=now):
                self.aside(f"! {warning}")

    def _list(self, actor: access.Actor, options: dict[str, Any], now: datetime) -> Iterator[str]:
        search = Search(text=options["text"], word=options["word"] or "", cluster=options["cluster"])
        page = groups.page(actor=actor, search=search, limit=options["limit"])
        if options["json"]:
            yield api.paged(page).model_dump_json()
            return
        if not page.rows:
            yield "No group matches." if not search.is_everything else "No consumer group is known yet."
            return
        yield from printing.group_lines(page.rows, now=now)
        if page.next is not None:
            standing = groups.standing(actor=actor, cluster=options["cluster"])
            more = f"--limit shows more, at most {groups.PAGE_MAX}"
            self.aside(f"{len(page.rows)} of {sentences.groups(standing.groups)}: {more}")

    def _group(self, actor: access.Actor, options: dict[str, Any]) -> Iterator[str]:
        row = _named(actor, options["group"], options["cluster"])
        row, group, partitions, members = groups.one(actor=actor, group_id=row.id)
        if options["json"]:
            yield api.whole(row, group, partitions, members, actor=actor).model_dump_json()
            return
        yield f"{row.name} in {row.cluster}: {sentences.LABELS[row.word]}{f': {row.reason}' if row.reason else ''}"
        ordered = sorted(partitions, key=lambda each: (-verdict.SEVERITY[Word(each.word)], -(each.lag or 0)))
        yield from printing.partition_lines(ordered, members)


def _named(actor: access.Actor, name: str, cluster: str) -> Row:
    """The group of exactly that name; raises ``CommandError`` when there is none, or one in several clusters."""
    found = groups.named(actor=actor, name=name, cluster=cluster)
    if not found:
        where = f" in the cluster {cluster}" if cluster else ""
        raise CommandError(f"There is no consumer group {name!r}{where} that you may see.")
    if len(found) > 1:
        names = ", ".join(sorted(row.cluster for row in found))
        raise CommandError(f"The clusters {names} have a group {name!r} each: name one with --cluster.")
    return found[0]


def _word(text: str) -> Word:
    try:
        return Word(text.upper())
    except ValueError:
        words = ", ".join(each.value for each in Word)
        raise ArgumentTypeError(f"{text[:40]!r} is no verdict; these are: {words}") from None
