"""The outbox from the command line: status, parked events, pause, resume, upkeep."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from base64 import b64encode
from typing import Any

from outbox import operations, queries
from outbox.operations.pausing import ALL_SHARDS
from reliability import access
from reliability.kernel import clock, command_line


class Command(command_line.PeopleCommand):
    """One subcommand for each question and act; acts need ``--as`` an account, and are on record."""

    help = "Show and steer the outbox."
    examples = (
        ("outbox", "status"),
        ("outbox", "parked", "--json"),
        ("outbox", "pause", "--shard", "3", "--reason", "broker upgrade", "--as", "ana"),
        ("outbox", "resume", "--as", "ana"),
        ("outbox", "accept-database", "--reason", "restored from the backup of 06:00", "--as", "ana"),
        ("outbox", "upkeep"),
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        words = parser.add_subparsers(dest="word", required=True)
        for name, help_ in (("status", "every shard"), ("parked", "events that cannot be sent")):
            shown = words.add_parser(name, help=help_)
            shown.add_argument("--json", action="store_true", help="as JSON")
        for name, help_ in (
            ("pause", "stop sending"),
            ("resume", "send again"),
            ("accept-database", "let halted relays go on after a restore or failover"),
        ):
            act = words.add_parser(name, help=help_)
            act.add_argument("--as", dest="username", required=True, help="the account whose rights count")
            act.add_argument("--reason", default="", help="goes on record")
            if name != "accept-database":
                act.add_argument("--shard", type=int, action="append", help="this one only; may be repeated")
        words.add_parser("upkeep", help="make partitions ahead, drop old ones, now")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, "_" + options["word"].replace("-", "_"))(options)

    def _status(self, options: dict[str, Any]) -> None:
        rows = queries.shards(clock.SYSTEM.now())
        whole = queries.total(rows)
        if options["json"]:
            self._print({"shards": rows, "total": whole, "relays": queries.relays()})
            return
        if whole.halted:
            self.stdout.write(self.style.ERROR(f"HALTED: {whole.halted}"))
        self.stdout.write(f"{'shard':>5} {'state':8} {'backlog':>8} {'oldest':>8} {'rate':>8} {'parked':>6}  owner")
        for row in rows:
            more = "+" if row.backlog_capped else ""
            trouble = row.last_error if row.failures else row.pause_reason
            self.stdout.write(
                f"{row.id:>5} {row.state:8} {f'{row.backlog}{more}':>8} {row.oldest_age_s:>7.1f}s"
                f" {row.rate_per_s:>6.1f}/s {row.parked:>6}  {row.owner or '-'} {trouble}"
            )
        self.stdout.write(
            f"{whole.events}{'+' if whole.capped else ''} waiting, {whole.rate_per_s:.1f}/s, {whole.parked} parked"
        )

    def _parked(self, options: dict[str, Any]) -> None:
        after = 0
        while page := queries.parked(after=after):
            for row in page:
                if options["json"]:
                    self._print(row)
                else:
                    key = "(no key)" if row.key is None else row.key_text
                    self.stdout.write(f"{row.event:>12} {row.topic} {key} {row.code}: {row.reason}")
            after = page[-1].event

    def _pause(self, options: dict[str, Any]) -> None:
        shards = operations.pause(
            shards=options["shard"] or ALL_SHARDS,
            actor=access.cli_actor(options["username"]),
            reason=options["reason"],
            now=clock.SYSTEM.now(),
        )
        self.stdout.write(f"paused: {_named(shards)}")

    def _resume(self, options: dict[str, Any]) -> None:
        shards = operations.resume(
            shards=options["shard"] or ALL_SHARDS,
            actor=access.cli_actor(options["username"]),
            reason=options["reason"],
        )
        self.stdout.write(f"resumed: {_named(shards)}")

    def _accept_database(self, options: dict[str, Any]) -> None:
        operations.accept_database(actor=access.cli_actor(options["username"]), reason=options["reason"])
        self.stdout.write("the relays go on")

    def _upkeep(self, options: dict[str, Any]) -> None:
        operations.keep_up()
        self.stdout.write(f"{queries.partitions_ahead()} empty partitions ahead")

    def _print(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False))


def _named(shards: list[int]) -> str:
    return ", ".join(str(shard) for shard in shards) or "none (nothing to change)"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
