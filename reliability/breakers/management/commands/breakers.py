"""``manage.py breakers``: list, show, decide for a while, take back, change rules, reset."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError

from reliability import access
from reliability.breakers.api import bodies
from reliability.breakers.domain.machine import Override
from reliability.breakers.operations import acting
from reliability.breakers.queries import moves, wall
from reliability.breakers.queries.wall import Look
from reliability.kernel import clock, command_line
from reliability.kernel.text import printable

OVERRIDES = {
    "forced-open": Override.FORCED_OPEN,
    "forced-closed": Override.FORCED_CLOSED,
    "metrics-only": Override.METRICS_ONLY,
}
LINE = 100


class Command(command_line.PeopleCommand):
    """One subcommand for each question and act; acts need ``--as`` an account, and are on record."""

    help = "Show circuit breakers, and decide for them for a while."
    examples = (
        ("breakers", "list"),
        ("breakers", "show", "payments"),
        ("breakers", "forced-open", "payments", "--minutes", "15", "--reason", "vendor asks", "--as", "ana"),
        ("breakers", "take-back", "payments", "--reason", "they are back", "--as", "ana"),
        ("breakers", "rules", "payments", "minimum=50", "failure_rate=0.3", "--reason", "noisy", "--as", "ana"),
        ("breakers", "reset", "payments", "--reason", "mended", "--as", "ana"),
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the subcommands."""
        subcommands = parser.add_subparsers(dest="word", required=True)
        listed = subcommands.add_parser("list", help="every breaker as it stands")
        shown = subcommands.add_parser("show", help="one, with its history and its rules")
        shown.add_argument("name")
        for one in (listed, shown):
            one.add_argument("--json", action="store_true", help="as JSON")
        for word, help_ in (
            ("forced-open", "have no call made for a while"),
            ("forced-closed", "have every call made for a while"),
            ("metrics-only", "have every call made and counted for a while"),
            ("take-back", "have it decide by itself again"),
            ("rules", "have it go by other rules than its code has; none given: by those of the code"),
            ("reset", "close it as if nothing had happened"),
        ):
            act = subcommands.add_parser(word, help=help_)
            act.add_argument("name")
            if word in OVERRIDES:
                act.add_argument("--minutes", type=int, required=True, help="how long, a day at most")
            if word == "rules":
                act.add_argument("rules", nargs="*", metavar="RULE=VALUE", help="such as minimum=50")
            act.add_argument("--as", dest="username", required=True, help="the account whose rights count")
            act.add_argument("--reason", default="", help="goes on record")

    def handle(self, *args: Any, **options: Any) -> None:
        """Answer, or act."""
        if options["word"] in OVERRIDES:
            self._override(options)
        else:
            getattr(self, "_" + options["word"].replace("-", "_"))(options)

    def _list(self, options: dict[str, Any]) -> None:
        found = wall.wall(now=clock.SYSTEM.now())
        if options["json"]:
            self.stdout.write(json.dumps(bodies.all_of(found).dict(), default=str))
            return
        if found.away:
            self.aside(f"The store does not answer: this is what was written down. {printable(found.away, limit=LINE)}")
        for look in found.looks:
            self.stdout.write(_line(look))
        if not found.looks:
            self.stdout.write("no breaker has been called yet")

    def _show(self, options: dict[str, Any]) -> None:
        look = _look(options["name"])
        told = bodies.told(look)
        history = moves.moves(look.name).rows
        if options["json"]:
            lines = [bodies.move(row).dict() for row in history]
            self.stdout.write(json.dumps({**told.dict(), "history": lines}, default=str))
            return
        self.stdout.write(_line(look))
        if told.override is not None:
            by = f"{told.override.by}: {printable(told.override.reason, limit=LINE)}"
            self.stdout.write(f"  {told.override.kind} until {told.override.until:%Y-%m-%d %H:%M:%S} by {by}")
        for name, value in told.rules.items():
            self.stdout.write(f"  {name:<14} {value}{'  (changed)' if name in told.rules_changed else ''}")
        for row in history:
            why = printable(row.reason, limit=LINE)
            self.stdout.write(
                f"  {row.at:%Y-%m-%d %H:%M:%S}  {row.before} -> {row.after} {row.override}  {why}".rstrip()
            )

    def _override(self, options: dict[str, Any]) -> None:
        look = _look(options["name"])
        said = acting.override(
            look.name,
            OVERRIDES[options["word"]],
            lasts=timedelta(minutes=max(-1, min(options["minutes"], 10**6))),
            number=look.row.override_number,
            actor=access.cli_actor(options["username"]),
            reason=options["reason"],
            now=clock.SYSTEM.now(),
        )
        self._told(said, f"{options['word']} until {said.breaker.override_until:%Y-%m-%d %H:%M:%S} UTC")

    def _take_back(self, options: dict[str, Any]) -> None:
        look = _look(options["name"])
        actor, now = access.cli_actor(options["username"]), clock.SYSTEM.now()
        number = look.row.override_number
        said = acting.take_back(look.name, number=number, actor=actor, reason=options["reason"], now=now)
        self._told(said, "it decides by itself again")

    def _rules(self, options: dict[str, Any]) -> None:
        look = _look(options["name"])
        said = acting.change_rules(
            look.name,
            dict(_rule(each) for each in options["rules"]),
            version=look.row.rules_version,
            actor=access.cli_actor(options["username"]),
            reason=options["reason"],
            now=clock.SYSTEM.now(),
        )
        changed = ", ".join(f"{name} {value}" for name, value in said.breaker.rules.items())
        self._told(said, f"other than in the code: {changed}" if changed else "as in the code")

    def _reset(self, options: dict[str, Any]) -> None:
        look = _look(options["name"])
        actor = access.cli_actor(options["username"])
        acting.reset(look.name, gen=look.machine.gen, actor=actor, reason=options["reason"])
        self.stdout.write("reset: it is closed")

    def _told(self, said: acting.Said, sentence: str) -> None:
        self.stdout.write(f"{said.breaker.name}: {sentence}")
        if not said.is_told:
            self.aside("The fleet's store does not answer: it is told as soon as it does.")


def _look(name: str) -> Look:
    return wall.wall(now=clock.SYSTEM.now(), name=name).looks[0]


def _line(look: Look) -> str:
    told = bodies.told(look)
    word = str(look.override or look.machine.state)
    failing = "-" if told.failing is None else f"{told.failing:.0%}"
    figures = f"{told.calls_per_s:>8.1f}/s {failing:>5} failing {told.rejected_per_s:>8.1f}/s kept back"
    return f"{look.name:<24} {word:<14} {figures}  {printable(told.reason, limit=LINE)}".rstrip()


def _rule(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"{printable(text, limit=60)!r} is no rule: say it as minimum=50")
    try:
        return name, [int(each) for each in value.split(",")] if "," in value else json.loads(value)
    except ValueError:
        raise CommandError(f"{printable(value, limit=60)!r} is no number, which {name} is") from None
