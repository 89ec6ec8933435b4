"""Sagas from the command line: list, show, act, act-all, verify, rebuild."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from reliability import access
from reliability.kernel import command_line
from reliability.kernel.errors import Refused
from reliability.kernel.text import printable
from sagas import definitions
from sagas.domain import acts
from sagas.domain.acts import Act
from sagas.domain.reconciling.finding import State
from sagas.management import bulk
from sagas.operations import acting, rebuilding
from sagas.queries import findings, histories, keyed, lists, verifying
from sagas.queries.lists import Filter

LINE = 100
SHOWN_MAX = 20  # of one key; `list` has them all


class Command(command_line.PeopleCommand):
    """One subcommand for each question and act; acts need ``--as`` an account, and are on record."""

    help = "Show sagas, act on them, and compare what is kept of them with their histories."
    examples = (
        ("sagas", "list", "--state", "stuck"),
        ("sagas", "list", "--key", "order-17", "--json"),
        ("sagas", "show", "0197c2a0-0000-7000-8000-000000000001"),
        ("sagas", "show", "order-17"),
        ("sagas", "act", "order-17", "retry", "--as", "ana"),
        (
            "sagas",
            "act",
            "0197c2a0-0000-7000-8000-000000000001",
            "skip",
            "--reason",
            "paid by hand",
            "--as",
            "ana",
            "--yes",
        ),
        *bulk.EXAMPLES,
        ("sagas", "verify"),
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        words = parser.add_subparsers(dest="word", required=True)
        listed = words.add_parser("list", help="what needs a person first")
        for name, help_ in (
            ("key", "business keys that begin so"),
            ("state", "open, stuck, or a status such as needs_operator"),
            ("definition", "of this definition"),
            ("step", "at this step"),
            ("error", "with this in the error"),
        ):
            listed.add_argument(f"--{name}", default="", help=help_)
        listed.add_argument("--limit", type=int, default=lists.PAGE, help="at most so many (%(default)s)")
        shown = words.add_parser("show", help="a saga with its history")
        shown.add_argument("which", help="its id, or a business key: then all sagas of that key")
        act = words.add_parser("act", help="do something to a saga")
        for one in (listed, shown, act):
            one.add_argument("--json", action="store_true", help="as JSON")
        act.add_argument("which", help="its id, or its business key where only one saga has that")
        act.add_argument("act", choices=[str(each) for each in Act])
        act.add_argument("--as", dest="username", required=True, help="the account whose rights count")
        act.add_argument("--reason", default="", help="goes on record")
        act.add_argument("--step", default="", help="for resume: the step to go on from")
        act.add_argument("--data", type=json.loads, default={}, help="JSON: data of a skipped step, or edited data")
        act.add_argument("--unset", action="append", default=[], help="for edit: a name to take out of the data")
        act.add_argument("--version", type=int, help="refuse if the saga has changed since it had so many entries")
        act.add_argument("--yes", action="store_true", help="do it; without this it only says what would follow")
        bulk.add_arguments(words.add_parser("act-all", help="one act on many sagas: plan, ask, do, follow"))
        for name, help_ in (
            ("verify", "compare rows and snapshots with the histories; exit status 1 if they differ"),
            ("rebuild", "make rows and snapshots anew from the histories"),
        ):
            words.add_parser(name, help=help_).add_argument("id", type=_uuid, nargs="?", help="this saga only")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, "_" + options["word"].replace("-", "_"))(options)

    def _list(self, options: dict[str, Any]) -> None:
        wanted = Filter(**{name: options[name] for name in ("key", "state", "definition", "step", "error")})
        found = lists.page(wanted, now=histories.database_now(), limit=max(1, options["limit"]))
        for listed in found.rows:
            row, why = listed.saga, listed.standing.why
            if options["json"]:
                self._print(
                    {"id": row.id, "definition": row.definition, "key": row.key, "status": row.status, "why": why}
                )
            else:
                where = f"{row.side} {row.step}".strip() or "-"
                text = printable(why, limit=LINE)
                self.stdout.write(f"{row.id}  {row.definition:<12} {row.key:<20} {row.status:<14} {where:<20} {text}")
        if not found.rows and not options["json"]:
            self.stdout.write("no sagas" + (" like that" if any(vars_of(wanted)) else ""))
        if found.next is not None and not options["json"]:
            self.stdout.write(
                f"... there are more; say --limit, or narrow it: {command_line.spelled('sagas', 'list', '--help')}"
            )

    def _show(self, options: dict[str, Any]) -> None:
        for saga_id in _named(options["which"]):
            self._show_one(saga_id, options)

    def _show_one(self, saga_id: UUID, options: dict[str, Any]) -> None:
        saga = histories.load(saga_id)
        entries = list(histories.events(saga_id))
        if options["json"]:
            events = [
                {
                    "version": number,
                    "kind": e.kind,
                    "at": e.at,
                    "step": e.step,
                    "side": e.side,
                    "attempt": e.attempt,
                    "data": e.data,
                    "actor": e.actor,
                }
                for number, e in entries
            ]
            self._print(
                {"id": saga.id, "status": saga.status, "version": saga.version, "data": saga.data, "history": events}
            )
            return
        self.stdout.write(f"{saga.definition} {saga.key}: {saga.status} {saga.reason}".rstrip())
        self.stdout.write(f"  saga {saga.id}")
        for found in findings.by_key(saga.key):
            if found.state != State.CLOSED:
                look = command_line.spelled("reconcile", "show", str(found.id))
                what = printable(found.difference, limit=60)
                self.stdout.write(f"! finding {found.id}, {found.state}: {what}; {look}")
        for number, event in entries:
            what = f"{event.side} {event.step} #{event.attempt}" if event.attempt else f"{event.step}"
            more = event.data.get("error") or event.data.get("reason") or ""
            who = f" by {event.actor}" if event.actor else ""
            line = f"{number:>5}  {event.at:%Y-%m-%d %H:%M:%S}  {event.kind:<12} {what:<24}"
            self.stdout.write(f"{line} {printable(more, limit=LINE)}{who}")
        possible = ", ".join(acts.possible(saga))
        self.stdout.write(f"version {saga.version}; possible acts: {possible or 'none'}")

    def _act(self, options: dict[str, Any]) -> None:
        actor = access.cli_actor(options["username"])
        act = Act(options["act"])
        edit = act is Act.EDIT
        command = acts.Command(
            act=act,
            step=options["step"],
            result={} if edit else _mapping(options["data"]),
            set=_mapping(options["data"]) if edit else {},
            unset=options["unset"],
        )
        access.admit(actor, acting.ACT)
        saga_id = _one_named(options["which"])
        saga, seen = acting.preview(saga_id, command, actor=actor)
        for warning in seen.warnings:
            self.stdout.write(f"! {warning}")
        for call in seen.calls:
            where = "here" if call.local else "there"
            again = ", which was tried before" if call.repeated else ""
            says = definitions.says(saga.definition, saga.definition_version, call.step, call.side)
            self.stdout.write(f"  {call.side} {call.step} ({where}), key {call.key}{again}")
            if says:
                self.stdout.write(f"    {says}")
        self.stdout.write(f"  {seen.status} at once, {seen.ends} if all goes well")
        if not options["yes"]:
            self.stdout.write("  nothing was done: add --yes to do it")
            return
        version = options["version"] if options["version"] is not None else saga.version
        done = acting.act(saga_id, command, expected_version=version, actor=actor, reason=options["reason"])
        self.stdout.write(f"done: entry {done.entry}, {done.saga.status}")

    def _act_all(self, options: dict[str, Any]) -> None:
        bulk.run(options, say=self.stdout.write, aside=self.aside)

    def _verify(self, options: dict[str, Any]) -> None:
        number = 0
        for each in verifying.differences(only=options["id"]):
            number += 1
            self.stdout.write(
                f"{each.saga_id}  {each.key}  {each.column}: {each.kept}, and it should be {each.should_be}"
            )
        if number:
            raise Refused(f"{number} differences; {command_line.spelled('sagas', 'rebuild')} makes the rows anew")
        self.stdout.write("rows and snapshots are what the histories say")

    def _rebuild(self, options: dict[str, Any]) -> None:
        count = 0
        for saga_id in rebuilding.ids(only=options["id"]):
            count += rebuilding.rebuild(saga_id)
        self.stdout.write(f"{count} made anew")

    def _print(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, default=str, ensure_ascii=False))


def vars_of(wanted: Filter) -> list[str]:
    """Return what a filter narrows by."""
    return [wanted.key, wanted.state, wanted.definition, wanted.step, wanted.error]


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused('--data is a JSON object, such as {"reference": "r1"}')
    return value


def _named(which: str) -> list[UUID]:
    """The sagas of this id or business key; raises ``NoSuchSaga`` when there are none."""
    found = [listed.saga.id for listed in keyed.of_key(which, now=histories.database_now(), limit=SHOWN_MAX)]
    if not found:
        try:
            found = [UUID(which)]
        except ValueError:
            raise histories.NoSuchSaga(
                f"No saga has the id or the business key {printable(which, limit=60)}."
            ) from None
    return found


def _one_named(which: str) -> UUID:
    """The saga of this id, or the only one of this business key; raises ``Refused`` when there are several."""
    found = _named(which)
    if len(found) > 1:
        ids = "\n".join(f"  {histories.load(each).definition:<20} {each}" for each in found)
        raise Refused(f"{len(found)} sagas have the key {printable(which, limit=60)}; say which:\n{ids}")
    return found[0]


def _uuid(value: str) -> UUID:
    return UUID(value)
