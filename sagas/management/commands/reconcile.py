"""Findings from the command line: what is compared, list, show, compare, repair, dismiss, reopen."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from django.core.management.base import CommandError

from reliability import access, audit
from reliability.kernel import clock, command_line, text
from reliability.kernel.errors import Refused
from reliability.kernel.text import printable
from sagas import reconciliations
from sagas.domain.reconciling.finding import State
from sagas.management import bulk
from sagas.operations import batches
from sagas.operations.batches import repairs
from sagas.operations.reconciling import comparisons as asking
from sagas.operations.reconciling import repairing
from sagas.queries import comparisons, findings, histories
from sagas.queries.findings import ACTIVE, Filter
from sagas.reconciler import turns

LINE = 100
AGREE_WITHIN_S = 8.0
LOOK_S = 0.5


class Command(command_line.PeopleCommand):
    """One subcommand for each question and act; acts need ``--as`` an account, and are on record."""

    help = "Show where two systems disagree, have them compared, and repair what differs."
    examples = (
        ("reconcile", "status"),
        ("reconcile", "list", "--state", "open"),
        ("reconcile", "show", "17"),
        ("reconcile", "show", "order-17"),
        ("reconcile", "compare", "orders_against_payments", "--as", "ana"),
        ("reconcile", "repair", "order-17", "--as", "ana"),
        ("reconcile", "repair-all", "orders_against_payments", "no_payment", "--as", "ana"),
        ("reconcile", "repair", "17", "mark_paid", "--reason", "seen in the ledger", "--as", "ana", "--yes"),
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        words = parser.add_subparsers(dest="word", required=True)
        status = words.add_parser("status", help="what is compared, and how its last comparison ended")
        listed = words.add_parser("list", help="findings, what needs a person first")
        for name, default, help_ in (
            ("state", ACTIVE, "active (not closed), open, watched, repairing, dismissed or closed (%(default)s)"),
            ("reconciliation", "", "of this one"),
            ("difference", "", "of this kind"),
            ("key", "", "keys that begin so"),
        ):
            listed.add_argument(f"--{name}", default=default, help=help_)
        listed.add_argument("--limit", type=int, default=findings.PAGE, help="at most so many (%(default)s)")
        shown = words.add_parser("show", help="a finding with its history")
        shown.add_argument("which", help="its number, or a key: then all findings of that key")
        compare = words.add_parser("compare", help="have both sides compared by the next free worker")
        compare.add_argument("name", help="the reconciliation")
        compare.add_argument("--here", action="store_true", help="in this process, without a worker; needs no account")
        repair = words.add_parser("repair", help="repair a finding; without --yes it only says what would be done")
        every = words.add_parser("repair-all", help="one repair for all open findings of a difference")
        every.add_argument("reconciliation", nargs="?", default="", help="the reconciliation")
        every.add_argument("difference", nargs="?", default="", help="the difference")
        every.add_argument("repair", nargs="?", default="", help="the repair's name; left out: the best one")
        every.add_argument("--key", default="", help="only keys that begin so")
        bulk.add_plan_arguments(every)
        dismiss = words.add_parser("dismiss", help="let a finding be as it is until a side says something else")
        reopen = words.add_parser("reopen", help="put a dismissed finding back")
        for one in (repair, dismiss, reopen):
            one.add_argument("which", help="its number, or its key where only one finding of it is not closed")
        repair.add_argument("repair", nargs="?", default="", help="the repair's name; left out: the best one")
        for one in (repair, every):
            one.add_argument("--yes", action="store_true", help="do it")
        for one in (compare, repair, every, dismiss, reopen):
            needed = one is not compare
            one.add_argument(
                "--as", dest="username", required=needed, default="", help="the account whose rights count"
            )
        for one in (repair, every, dismiss, reopen):
            one.add_argument("--reason", default="", help="goes on record")
        for one in (status, listed, shown):
            one.add_argument("--json", action="store_true", help="as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, "_" + options["word"].replace("-", "_"))(options)

    def _status(self, options: dict[str, Any]) -> None:
        found = comparisons.watched(now=histories.database_now())
        for each in found:
            newest = each.newest
            told = {
                "name": each.defined.name,
                "outcome": "late" if each.is_late else each.word or "not yet",
                "compared": newest.compared if newest else 0,
                "differing": newest.differing if newest else 0,
                "unread": newest.unread if newest else 0,
                "ended_at": newest.ended_at if newest else None,
                "error": newest.error if newest else "",
            }
            if options["json"]:
                self._print(told)
            else:
                error = printable(str(told["error"]), limit=LINE)
                counts = f"{told['compared']} compared, {told['differing']} differ, {told['unread']} not read"
                self.stdout.write(f"{told['name']:<28} {told['outcome']:<10} {counts}  {error}".rstrip())
        if not found and not options["json"]:
            self.stdout.write("nothing is compared: no installed app has a reconciliation")

    def _list(self, options: dict[str, Any]) -> None:
        wanted = Filter(**{name: options[name] for name in ("state", "reconciliation", "difference", "key")})
        page = findings.page(wanted, limit=max(1, options["limit"]))
        for row in page.rows:
            if options["json"]:
                self._print({name: getattr(row, name) for name in ("id", "key", "state", "difference", "why")})
            else:
                key, why = printable(row.key, limit=60), printable(row.why, limit=LINE)
                self.stdout.write(f"{row.id:<8} {row.state:<10} {key:<24} {row.difference:<20} {why}")
        if not page.rows and not options["json"]:
            self.stdout.write("no findings like that")
        if page.next is not None and not options["json"]:
            self.stdout.write("... there are more; say --limit, or narrow it")

    def _show(self, options: dict[str, Any]) -> None:
        for row in _named(options["which"]):
            self._show_one(row, options)

    def _show_one(self, row: findings.Row, options: dict[str, Any]) -> None:
        expected, seen = findings.sides(row)
        history = findings.history(row.id)
        if options["json"]:
            lines = [{"at": e.at, "note": e.note, "actor": e.actor, "data": e.data} for e in history]
            facts = {name: getattr(row, name) for name in ("id", "key", "state", "difference", "why", "version")}
            self._print({**facts, "expected": expected, "seen": seen, "history": lines})
            return
        key, why = printable(row.key, limit=200), printable(row.why, limit=400)
        self.stdout.write(f"finding {row.id}: {key}, {row.state}, {row.difference}")
        self.stdout.write(f"  it was: {why}" if row.state == State.CLOSED else f"  {why}")
        for name, rows in (("expected", expected), ("seen", seen)):
            told = [orjson.dumps(row).decode() for row in rows] or ["nothing"]
            for each in told:
                self.stdout.write(f"  {name:<10} {printable(each, limit=400)}")
        for line in history:
            self.stdout.write(f"  {line.at:%Y-%m-%d %H:%M:%S}  {line.note:<10} {line.actor or 'comparison'}")

    def _compare(self, options: dict[str, Any]) -> None:
        if options["here"]:
            self._compare_here(options["name"])
            return
        if not options["username"]:
            raise CommandError("say --as and an account, or --here")
        number = asking.ask(options["name"], actor=access.cli_actor(options["username"]))
        self.stdout.write(f"asked for, as comparison {number}: a bulk worker runs it when it is free")

    def _compare_here(self, name: str) -> None:
        defined = reconciliations.find(name)
        if defined is None:
            raise asking.NoSuchReconciliation(f"There is no reconciliation {name!r}.")
        if not turns.compare(defined, stop=lambda: False, at_once=True):
            raise Refused("Another process compares at this moment.")
        self._status({"json": False})

    def _repair(self, options: dict[str, Any]) -> None:
        actor = access.cli_actor(options["username"])
        access.authorize(actor, repairing.REPAIR)
        look = repairing.look(_one_named(options["which"]), repair=options["repair"], actor=actor)
        made = look.proposal
        if made is None:
            raise Refused(look.refusal or look.unread)
        self.stdout.write(f"{made.repair.title}: {printable(look.row.key, limit=200)}")
        for command in made.commands:
            self.stdout.write(f"  {printable(command.says(), limit=400)}")
        for check in made.checks:
            held = {True: "holds", False: "does not hold"}
            self.stdout.write(f"  {check.title} {held[check.before]} now, {held[check.after]} afterwards.")
        if made.refusal:
            raise Refused(made.refusal)
        if not options["yes"]:
            self.stdout.write("Nothing was done; say --yes to do it.")
            return
        repairing.apply(
            look.row.id, repair=made.repair.name, plan_hash=made.hash, actor=actor, reason=options["reason"]
        )
        self.stdout.write("Done, and on record; both sides are looked at again.")

    def _repair_all(self, options: dict[str, Any]) -> None:
        actor = access.cli_actor(options["username"])
        what = {name: options[name] for name in ("reconciliation", "difference", "repair")}
        if options["yes"] and not options["reason"].strip():
            raise CommandError("A reason is required: --yes takes --reason.")
        if options["hash"] and options["batch"] is None:
            raise CommandError("--hash belongs to a plan: name it with --batch.")
        given = [name for name in (*what, "key") if options[name]]
        if options["batch"] is not None:
            batch = bulk.known(options, given, kind=repairs.KIND, actor=actor)
        elif options["difference"]:
            batch = batches.plan(kind=repairs.NAME, what=what, asked={"key": options["key"]}, actor=actor)
        else:
            raise CommandError("Name the reconciliation and the difference, or a plan with --batch.")
        bulk.carry_out(
            batch,
            options,
            kind=repairs.KIND,
            words=("reconcile", "repair-all"),
            actor=actor,
            say=self.stdout.write,
            aside=self.aside,
            afterwards=_stands,
        )

    def _dismiss(self, options: dict[str, Any]) -> None:
        repairing.dismiss(_allowed(options), actor=access.cli_actor(options["username"]), reason=options["reason"])
        self.stdout.write("Dismissed.")

    def _reopen(self, options: dict[str, Any]) -> None:
        repairing.reopen(_allowed(options), actor=access.cli_actor(options["username"]), reason=options["reason"])
        self.stdout.write("Open again.")

    def _print(self, facts: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(facts, default=str))


def _stands(targets: Sequence[str]) -> Iterator[str]:
    """Say how repaired findings stand, once both sides were looked at again, or after ``AGREE_WITHIN_S``."""
    ids, until = [int(each) for each in targets], clock.SYSTEM.monotonic() + AGREE_WITHIN_S
    while True:
        found = Counter(State(row.state) for row in findings.some(ids))
        if not found[State.REPAIRING] or clock.SYSTEM.monotonic() >= until:
            break
        clock.SYSTEM.sleep(LOOK_S)
    if found:
        yield f"By now: {', '.join(f'{count:,} {state}' for state, count in found.most_common())}."
    if found[State.REPAIRING]:
        again = command_line.spelled("reconcile", "list", "--state", "repairing")
        yield f"Whether the sides agree is seen when they are looked at again: {again}"


def _one_named(which: str) -> int:
    """The number of the finding that is meant: by its number, else by its key, of which one may be not closed."""
    found = _named(which)
    live = [row for row in found if row.state != State.CLOSED] or found
    if len(live) > 1:
        numbers = "\n".join(f"  {row.id:<8} {row.state:<10} {row.reconciliation}" for row in live)
        raise Refused(f"{len(live)} findings have the key {printable(which, limit=60)}; say which:\n{numbers}")
    return live[0].id


def _allowed(options: dict[str, Any]) -> int:
    """The same, for who may dismiss findings at all."""
    which = options["which"]
    target = f"finding:{printable(which, limit=60)}"
    with audit.admitted(repairing.DISMISS, actor=access.cli_actor(options["username"]), target=target):
        return _one_named(which)


def _named(which: str) -> list[findings.Row]:
    """The findings of this key, and the one of this number; raises ``NoSuchFinding`` when there are none."""
    found = findings.by_key(which) if text.is_storable(which) else []
    if which.isascii() and which.isdecimal() and len(which) < 19:
        known = {each.id for each in found}
        found += [each for each in findings.some([int(which)]) if each.id not in known]
    if not found:
        raise findings.NoSuchFinding(f"No finding has the number or the key {printable(which, limit=60)}.")
    return found
