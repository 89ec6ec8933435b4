"""``manage.py lag_reset``: set where a consumer group goes on, previewed first."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from reliability import access
from reliability.kernel import clock, command_line
from reliability.lag import forms
from reliability.lag.api import resets as api
from reliability.lag.domain import reset_words
from reliability.lag.domain.reset import BadTarget, How, Target
from reliability.lag.domain.reset_file import CHARS_MAX
from reliability.lag.management import printing
from reliability.lag.models import Reset
from reliability.lag.models.resets import State
from reliability.lag.operations import reset_acts
from reliability.lag.queries import groups
from reliability.lag.queries import resets as queries

NOT_ALL_SET = 2
"""Exit status when Kafka refused something, or it is not known whether it was set."""
_WITHOUT_VALUE = (How.EARLIEST, How.LATEST)
_EXAMPLES_OF = {
    How.TIME: "time 2026-11-20T03:14Z, or time 1h for an hour ago",
    How.OFFSET: "offset 1200",
    How.SHIFT: "shift -100",
    How.FILE: "file offsets.csv",
}


class Command(command_line.PeopleCommand):
    """Calls the operations that page and API call."""

    help = """\
Set where a consumer group goes on: prints a preview, asks, applies. Stop its consumers first.
Without --yes, and where nobody can be asked, it changes nothing. What was there before is kept: --undo.

--to says where:
  earliest          everything that is still kept is read again
  latest            what waits is skipped
  time WHEN         from the first record not older: 2026-11-20T03:14Z, or 1h for an hour ago
  offset N          the same in every partition
  shift N           so many records forward, or back when negative
  file PATH         CSV lines topic,partition,offset, or a JSON list; - reads standard input

Exit status: 0 previewed or applied; 1 refused, or not applied though it was given a reason; 2 not set everywhere or
not known."""
    examples = (
        ("lag_reset", "billing", "--to", "earliest", "--as", "ana"),
        ("lag_reset", "billing", "--to", "time", "1h", "--reason", "a bug is fixed", "--yes", "--as", "ana"),
        ("lag_reset", "billing", "--to", "shift", "-100", "--topic", "orders", "--as", "ana"),
        ("lag_reset", "--undo", "7", "--reason", "the wrong group", "--as", "ana"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Define the options."""
        parser.add_argument("group", nargs="?", metavar="GROUP", help="the group's whole name")
        parser.add_argument("--to", nargs="+", metavar="WHERE", help="where it goes on, see above")
        parser.add_argument("--undo", type=_id, metavar="ID", help="take this reset back instead")
        parser.add_argument("--plan", type=_id, metavar="ID", help="apply this preview, as it was shown, instead")
        parser.add_argument("--hash", metavar="H", help="of the preview that --plan names: another is refused")
        parser.add_argument("--topic", action="append", help="only this topic; may be given several times")
        parser.add_argument("--cluster", default="", help="where several clusters have a group of this name")
        parser.add_argument("--reason", default="", help="why: applying takes a reason")
        parser.add_argument(
            "--as", dest="account", required=True, metavar="USER", help="the account whose rights count"
        )
        parser.add_argument("--yes", action="store_true", help="apply it without asking")
        parser.add_argument(
            "--json", action="store_true", help="print a JSON document, the same as the API's; never asks"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Preview it, ask, apply it."""
        actor, now = access.cli_actor(options["account"]), clock.SYSTEM.now()
        if options["yes"] and not options["reason"].strip():
            raise CommandError("A reason is required: --yes takes --reason.")
        made = _known(options, actor) if options["plan"] is not None else _planned(options, actor, now)
        if not (options["yes"] or self._agreed(made, options, actor)):
            self._left(options, actor, made)
            return
        done = reset_acts.apply(
            reset_id=made.pk,
            seen_hash=options["hash"] or made.hash,
            reason=options["reason"],
            actor=actor,
            now=clock.SYSTEM.now(),
        )
        self._print(options, actor, done, said=_said(done, options["account"]))
        if done.state != State.APPLIED:
            raise SystemExit(NOT_ALL_SET)

    def _left(self, options: dict[str, Any], actor: access.Actor, made: Reset) -> None:
        """Print the preview and what is missing; who gave a reason meant it, and learns by the status that it is not
        done."""
        if options["reason"].strip():
            self._print(options, actor, made, said="")
            raise CommandError("Nothing was changed: nobody can be asked here. Add --yes to apply it.")
        asks = "--reason, and --yes where nobody can be asked" if _is_terminal() else "--reason and --yes"
        self._print(options, actor, made, said=f"Nothing was changed: add {asks} to apply it.")

    def _agreed(self, made: Reset, options: dict[str, Any], actor: access.Actor) -> bool:
        """Show the preview and ask for the group's name, where somebody can answer and has given a reason."""
        if options["json"] or not options["reason"].strip() or not _is_terminal():
            return False
        self._show(made, actor)
        self.aside(f"Type the group's name to apply it ({made.group.name}), anything else leaves it as it is:")
        if reset_words.same_name(sys.stdin.readline(), made.group.name):
            return True
        raise CommandError("That is not its name: nothing was changed.")

    def _print(self, options: dict[str, Any], actor: access.Actor, made: Reset, *, said: str) -> None:
        if options["json"]:
            self.stdout.write(_document(actor, made).model_dump_json())
            return
        self._show(made, actor)
        if said:
            self.stdout.write(said)

    def _show(self, made: Reset, actor: access.Actor) -> None:
        for line in printing.reset_lines(_document(actor, made)):
            self.stdout.write(line)


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _document(actor: access.Actor, made: Reset) -> api.LagReset:
    return api.shown(queries.one(actor=actor, reset_id=made.pk), actor=actor)


def _known(options: dict[str, Any], actor: access.Actor) -> Reset:
    """The preview that ``--plan`` names: what was looked at is not planned anew."""
    if options["group"] or options["to"] or options["topic"] or options["undo"] is not None:
        raise CommandError("--plan is applied as it was shown: give nothing else that would change it.")
    if options["yes"] and not options["hash"]:
        raise CommandError("--plan with --yes takes --hash: the one that the preview showed.")
    access.admit(actor, reset_acts.ACT)
    return queries.one(actor=actor, reset_id=options["plan"]).made


def _planned(options: dict[str, Any], actor: access.Actor, now: datetime) -> Reset:
    if options["hash"]:
        raise CommandError("--hash belongs to a preview: name it with --plan.")
    if options["undo"] is not None:
        if options["group"] or options["to"] or options["topic"]:
            raise CommandError("--undo takes the id of a reset and nothing else: its group and topics are known.")
        return reset_acts.preview_undo(reset_id=options["undo"], actor=actor, now=now)
    if not options["group"] or not options["to"]:
        raise CommandError("Name the group and where it goes on: lag_reset GROUP --to earliest. See --help.")
    return reset_acts.preview(
        group_id=_group(actor, options["group"], options["cluster"]),
        target=_target(options["to"], now),
        topics=options["topic"],
        actor=actor,
        now=now,
    )


def _group(actor: access.Actor, name: str, cluster: str) -> int:
    access.admit(actor, reset_acts.ACT)
    found = groups.named(actor=actor, name=name, cluster=cluster)
    if not found:
        where = f" in the cluster {cluster}" if cluster else ""
        raise CommandError(f"There is no consumer group {name!r}{where} that you may see.")
    if len(found) > 1:
        names = ", ".join(sorted(row.cluster for row in found))
        raise CommandError(f"The clusters {names} have a group {name!r} each: name one with --cluster.")
    return found[0].id


def _target(words: list[str], now: datetime) -> Target:
    if words[0] not in set(How):
        raise CommandError(f"--to is one of {', '.join(How)}, not {words[0][:40]!r}.")
    how = How(words[0])
    if how in _WITHOUT_VALUE:
        if len(words) > 1:
            raise CommandError(f"--to {how} takes nothing behind it.")
        return Target(how=how)
    if len(words) != 2:
        raise CommandError(f"--to {how} takes one value: --to {_EXAMPLES_OF[how]}.")
    match how:
        case How.TIME:
            return forms.at_time(_time(words[1], now))
        case How.OFFSET:
            return Target(how=how, offset=forms.number(words[1], what="offset"))
        case How.SHIFT:
            return Target(how=how, shift=forms.number(words[1], what="number of records"))
        case _:
            return forms.from_file(_read(words[1]))


def _time(text: str, now: datetime) -> datetime:
    try:
        return forms.ago(text, now=now)
    except BadTarget:
        return forms.instant(text, zone=None)


def _read(path: str) -> bytes:
    try:
        if path == "-":
            return sys.stdin.buffer.read(CHARS_MAX * 4 + 1)
        with Path(path).open("rb") as file:
            return file.read(CHARS_MAX * 4 + 1)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error


def _said(done: Reset, account: str) -> str:
    if done.state == State.APPLIED:
        back = command_line.spelled("lag_reset", "--undo", str(done.pk), "--as", account)
        return f"Reset {done.pk} is applied. Back: {back}"
    if done.state == State.UNKNOWN:
        return f"Kafka did not answer: whether reset {done.pk} is applied is told on its page within a minute."
    return f"Reset {done.pk}: {done.get_state_display()}; why stands at each partition."


def _id(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 18:
        return int(text)
    raise ArgumentTypeError(f"{text[:40]!r} is no reset's id: those are whole numbers")
