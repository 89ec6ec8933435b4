"""``manage.py degradation``: list, show, set, extend, clear; policies: list, save, try, release, delete."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from ninja import Schema

from reliability import access
from reliability.degradation.api import bodies, flags
from reliability.degradation.api.bodies import DegradationFlag
from reliability.degradation.domain import packing
from reliability.degradation.domain.flags import NoSuchLevel
from reliability.degradation.domain.policy import Policy as Wanted
from reliability.degradation.models import Policy
from reliability.degradation.operations import levels, policies
from reliability.degradation.queries import history, readers, signals, standing
from reliability.kernel import clock, command_line
from reliability.kernel.text import printable

LINE = 160
POLICY_CHARS_MAX = 100_000


class Command(command_line.PeopleCommand):
    """One subcommand for each question and act; acts need ``--as`` an account, and are on record."""

    help = "Show degradation flags, and decide for a while what users lose."
    examples = (
        ("degradation", "list"),
        ("degradation", "show", "recommendations", "--json"),
        ("degradation", "set", "checkout", "cash", "--minutes", "30", "--reason", "payments are slow", "--as", "ana"),
        ("degradation", "extend", "checkout", "--minutes", "30", "--reason", "still slow", "--as", "ana"),
        ("degradation", "clear", "checkout", "--as", "ana"),
        ("degradation", "policy", "try", "slow-payments.json", "--hours", "24"),
        ("degradation", "policy", "save", "slow-payments.json", "--reason", "protects checkout", "--as", "ada"),
        ("degradation", "policy", "release", "slow-payments", "--reason", "mended", "--as", "ana"),
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the subcommands."""
        words = parser.add_subparsers(dest="word", required=True)
        _json(words.add_parser("list", help="every flag with the level in force and why"))
        _json(_named(words.add_parser("show", help="one, with what is shadowed, who reads it, and its history")))
        for word, help_ in (
            ("set", "set a level for a while"),
            ("extend", "let what was set last so long from now on"),
            ("clear", "take back what was set"),
        ):
            act = _json(_named(words.add_parser(word, help=help_)))
            if word == "set":
                act.add_argument("level", help="its number or its name")
            if word != "clear":
                act.add_argument("--minutes", type=float, required=True, help="how long, a week at most")
            _acting(act)
        policy = words.add_parser("policy", help="what degrades flags by itself")
        deeds = policy.add_subparsers(dest="deed", required=True)
        _json(deeds.add_parser("list", help="every policy as a sentence, and how it stands"))
        for deed, help_ in (("try", "say what a policy would have done"), ("save", "save a policy, new or changed")):
            act = _json(deeds.add_parser(deed, help=help_))
            act.add_argument("file", help="a file with the policy as JSON; - reads standard input")
            if deed == "try":
                act.add_argument("--hours", type=float, default=24.0, help="so far back, 168 at most; default 24")
            else:
                act.add_argument("--off", action="store_true", help="saved, and not deciding yet")
                _acting(act)
        for deed, help_ in (("release", "let it decide again"), ("delete", "delete it; its history stays")):
            _acting(_json(_named(deeds.add_parser(deed, help=help_))))

    def handle(self, *args: Any, **options: Any) -> None:
        """Answer, or act."""
        word = options["word"]
        getattr(self, f"_policy_{options['deed']}" if word == "policy" else f"_{word}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        now = clock.SYSTEM.now()
        found = [bodies.flag(held, now=now) for held in standing.every(now=now)]
        if options["json"]:
            self._json(bodies.DegradationFlags(items=found))
            return
        for flag in found:
            self.stdout.write(_line(flag))
        if not found:
            self.stdout.write("no flag is declared: flags are declared in code, and known once it runs")

    def _show(self, options: dict[str, Any]) -> None:
        found, name = flags.one(options["name"]), options["name"]
        rows = history.changes(flag=name, limit=flags.PAGE)
        reach = readers.reach(name, revision=standing.revision())
        if options["json"]:
            told = [bodies.change(row).dict() for row in rows]
            document = {**found.dict(), "readers": bodies.reach(reach).dict(), "history": told}
            self.stdout.write(json.dumps(document, default=str))
            return
        self._tell(found)
        for level in found.levels:
            mark = ">" if level.level == found.level else " "
            self.stdout.write(f"  {mark} {level.level} {level.name}: {level.loses}")
        for entry in found.shadows:
            self.stdout.write(f"  shadowed: {entry.source} {entry.owner} level {entry.level}, {_cut(entry.reason)}")
        self.stdout.write(f"  {reach.sentence}")
        for row in rows:
            moved = f"{row.kind:<10} {row.before} to {row.after}"
            self.stdout.write(f"  {row.at:%Y-%m-%d %H:%M:%S}  {moved}  {_cut(row.why)}")

    def _set(self, options: dict[str, Any]) -> None:
        row = standing.one(options["name"])
        try:
            level = standing.declaration(row).level_of(options["level"])
        except NoSuchLevel as error:
            raise CommandError(str(error)) from error
        levels.set_level(level=level, lasts=_lasts(options), **_common(options, row.version))
        self._answer(options)

    def _extend(self, options: dict[str, Any]) -> None:
        row = standing.one(options["name"])
        levels.extend(lasts=_lasts(options), **_common(options, row.version))
        self._answer(options)

    def _clear(self, options: dict[str, Any]) -> None:
        levels.take_back(**_common(options, standing.one(options["name"]).version))
        self._answer(options)

    def _policy_list(self, options: dict[str, Any]) -> None:
        found = [bodies.policy(row) for row in Policy.objects.order_by("name")]
        if options["json"]:
            self._json(bodies.DegradationPolicies(items=found))
            return
        for policy in found:
            stands = "off" if not policy.on else "held" if policy.held_since else "in" if policy.entered else "out"
            self.stdout.write(f"{policy.name:<24} {stands:<5} {policy.sentence}")
            for said in (policy.held_why, policy.waits):
                if said:
                    self.stdout.write(f"{'':<31}{_cut(said)}")
        if not found:
            self.stdout.write("no policy is saved")

    def _policy_try(self, options: dict[str, Any]) -> None:
        if not 0 < options["hours"] <= 168:
            raise CommandError("--hours is more than 0 and at most 168: samples are kept for a week.")
        now = clock.SYSTEM.now()
        done = history.dry_run(_wanted(options["file"]), begins=now - timedelta(hours=options["hours"]), ends=now)
        if options["json"]:
            self._json(bodies.rehearsal(done))
            return
        self.stdout.write(done.sentence)
        for spell in done.spells:
            until = f"{spell.until:%H:%M:%S}" if spell.until is not None else "now"
            self.stdout.write(f"  {spell.since:%Y-%m-%d %H:%M:%S} to {until}: {_cut(spell.why)}")

    def _policy_save(self, options: dict[str, Any]) -> None:
        wanted = _wanted(options["file"])
        signals.check(wanted)
        version = Policy.objects.filter(name=wanted.name).values_list("version", flat=True).first() or 0
        actor, now = access.cli_actor(options["account"]), clock.SYSTEM.now()
        is_on = not options["off"]
        row = policies.save(wanted=wanted, is_on=is_on, reason=options["reason"], actor=actor, version=version, now=now)
        self._policy(options, row)

    def _policy_release(self, options: dict[str, Any]) -> None:
        self._policy(options, policies.release(**_of_policy(options)))

    def _policy_delete(self, options: dict[str, Any]) -> None:
        policies.delete(**_of_policy(options))
        self.stdout.write("{}" if options["json"] else f"{options['name']} is deleted")

    def _policy(self, options: dict[str, Any], row: Policy) -> None:
        if options["json"]:
            self._json(bodies.policy(row))
        else:
            self.stdout.write(f"{row.name}: {bodies.policy(row).sentence}")

    def _answer(self, options: dict[str, Any]) -> None:
        found = flags.one(options["name"])
        if options["json"]:
            self._json(found)
        else:
            self._tell(found)

    def _tell(self, found: DegradationFlag) -> None:
        self.stdout.write(_line(found))

    def _json(self, document: Schema) -> None:
        self.stdout.write(document.model_dump_json())


def _named(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("name")
    return parser


def _json(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("--json", action="store_true", help="print JSON, as the API does")
    return parser


def _acting(parser: ArgumentParser) -> None:
    parser.add_argument("--reason", default="", help="goes on record")
    parser.add_argument("--as", dest="account", required=True, metavar="USER", help="the account whose rights count")


def _common(options: dict[str, Any], version: int) -> dict[str, Any]:
    return {
        "flag": options["name"],
        "reason": options["reason"],
        "actor": access.cli_actor(options["account"]),
        "version": version,
        "now": clock.SYSTEM.now(),
    }


def _of_policy(options: dict[str, Any]) -> dict[str, Any]:
    version = Policy.objects.filter(name=options["name"]).values_list("version", flat=True).first() or 0
    common = _common(options, version)
    return {"name": common.pop("flag"), **common}


def _lasts(options: dict[str, Any]) -> timedelta:
    minutes = options["minutes"]
    return timedelta(minutes=minutes) if 0 < minutes < 10**6 else timedelta(0)


def _wanted(file: str) -> Wanted:
    try:
        text = sys.stdin.read(POLICY_CHARS_MAX) if file == "-" else Path(file).read_text(encoding="utf-8")
        return packing.policy_read(json.loads(text[:POLICY_CHARS_MAX]))
    except (OSError, ValueError, RecursionError) as error:
        raise CommandError(f"{printable(file, limit=LINE)} cannot be read as a policy: {_cut(str(error))}") from error


def _line(flag: DegradationFlag) -> str:
    until = f" until {flag.decides.until:%Y-%m-%d %H:%M:%S} UTC" if flag.decides.until is not None else ""
    return f"{flag.name:<24} {flag.level} {flag.level_name:<16} {_cut(flag.why)}{until}"


def _cut(text: str) -> str:
    return printable(text, limit=LINE)
