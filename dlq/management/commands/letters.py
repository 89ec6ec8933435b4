"""``manage.py letters``: look at dead letters, replay and discard them, with an account's rights."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable
from typing import Any

from django.core.management.base import CommandParser
from ninja import Schema

from dlq.api import discards as discards_api
from dlq.api import groups as groups_api
from dlq.api import letters as letters_api
from dlq.api import plans as plans_api
from dlq.api import replays as replays_api
from dlq.domain import search
from dlq.domain.run import ENDED, RunState
from dlq.management import asking, printing
from dlq.models import ReplayPlan
from dlq.operations import discards, plans, replays
from dlq.queries import groups as group_queries
from dlq.queries import letters as letter_queries
from dlq.queries import replays as replay_queries
from reliability import access
from reliability.kernel import clock, command_line

WAIT_LOOK_S = 0.5
NOT_ALL_GOOD = 2  # exit status of --wait when something failed, is unknown or was not sent

DESCRIPTION = """\
Dead letters on the command line, with the rights of the account named by --as; every act is in the audit.
Replays and discards change nothing without --yes. What an act takes, its own help says: letters replay --help.

Exit status: 0 done, 1 refused, 2 with --wait when not every letter was confirmed or passed."""

AS = ("--as", "ana")
EXAMPLES: dict[str, tuple[tuple[str, ...], ...]] = {
    "groups": (("letters", "groups", *AS),),
    "list": (("letters", "list", "--filter", "topic:orders error:Timeout", *AS),),
    "show": (("letters", "show", "17", *AS),),
    "replay": (
        ("letters", "replay", "--group", "3", *AS),
        ("letters", "replay", "--group", "3", "--reason", "provider recovered", "--yes", "--wait", *AS),
        ("letters", "replay", "--plan", "5", "--hash", "sha256:…", "--reason", "provider recovered", "--yes", *AS),
    ),
    "discard": (("letters", "discard", "--ids", "17", "18", "--reason", "test orders", "--yes", *AS),),
    "undo": (("letters", "undo", "5", *AS),),
    "replays": (("letters", "replays", *AS), ("letters", "replays", "7", "--items", "--json", *AS)),
    "pause": (("letters", "pause", "7", *AS),),
    "resume": (("letters", "resume", "7", *AS),),
    "cancel": (("letters", "cancel", "7", *AS),),
}


class WouldDiscard(Schema):
    """How many letters a discard would give up now; nothing was changed."""

    letters: int


class Command(command_line.PeopleCommand):
    """Each act calls the operation that page and API call."""

    help = DESCRIPTION
    examples = tuple(example for examples in EXAMPLES.values() for example in examples)

    def add_arguments(self, parser: CommandParser) -> None:
        """Define the sub-commands."""
        acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")

        def add(name: str, text: str, run: Callable[[dict[str, Any]], None]) -> CommandParser:
            sub: CommandParser = acts.add_parser(
                name,
                help=text,
                description=text,
                formatter_class=RawDescriptionHelpFormatter,
                epilog=command_line.epilog(EXAMPLES[name]),
            )
            sub.add_argument(
                "--as", dest="account", required=True, metavar="USER", help="the account whose rights count"
            )
            sub.add_argument("--json", action="store_true", help="print JSON documents, the same as the API's")
            sub.set_defaults(run=run)
            return sub

        listed = add("list", "List letters, newest first.", self._list)
        listed.add_argument("--filter", default="", metavar="SEARCH", help=asking.FILTER_HELP)
        listed.add_argument("--group", type=asking.id_of, help="a failure group's id")
        listed.add_argument("--limit", type=asking.limit_of, default=50)
        listed.add_argument("--before", type=asking.id_of, help="letters older than this id: the next page")
        grouped = add("groups", "List failure groups, most open letters first.", self._groups)
        grouped.add_argument("--filter", default="", metavar="SEARCH", help=asking.FILTER_HELP)
        grouped.add_argument("--limit", type=asking.limit_of, default=50)
        add("show", "Show one letter.", self._show).add_argument("letter", type=asking.id_of)
        self._add_acts(add)
        runs = add("replays", "List replays, or show one with its items.", self._replays)
        runs.add_argument("replay", type=asking.id_of, nargs="?")
        runs.add_argument("--items", action="store_true", help="its items instead, in the order of sending")
        runs.add_argument("--limit", type=asking.limit_of, default=replay_queries.PAGE_ITEMS_MAX)
        runs.add_argument("--after", type=int, help="items after this position: the next page")
        for name, act in (("pause", replays.pause), ("resume", replays.resume), ("cancel", replays.cancel)):
            add(name, f"{name.capitalize()} a replay.", self._control(act)).add_argument("replay", type=asking.id_of)

    def _add_acts(self, add: Callable[[str, str, Callable[[dict[str, Any]], None]], CommandParser]) -> None:
        replay = add("replay", "Plan a replay; with --yes approve the plan and start it.", self._replay)
        discard = add("discard", "Discard letters, undoable for a while.", self._discard)
        scope = asking.add_scope(replay)
        scope.add_argument("--plan", type=asking.id_of, metavar="ID", help="a plan that was drawn before, as it is")
        asking.add_terms(replay)
        replay.add_argument("--wait", action="store_true", help="follow the run until it is over")
        asking.add_scope(discard)
        discard.add_argument(
            "--expect", type=int, metavar="N", help="with --yes: refuse if it is not this many letters"
        )
        add("undo", "Undo a discard.", self._undo).add_argument("discard", type=asking.id_of)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the act."""
        self._json = options["json"]
        self._actor = access.cli_actor(options["account"])
        options["run"](options)

    # --- looking

    def _list(self, options: dict[str, Any]) -> None:
        """Print a page of letters."""
        access.admit(self._actor, "letters.view")
        page = letter_queries.page(
            actor=self._actor,
            search=search.parse(options["filter"]),
            group_id=options["group"],
            before=options["before"],
            limit=options["limit"],
        )
        shown = letters_api.paged(page, actor=self._actor)
        self._print(shown, map(printing.letter_line, shown.items))
        more = f"; the next page: --before {shown.next}" if shown.next is not None else ""
        self.aside(f"{len(shown.items)} of {page.count} letters{more}")

    def _groups(self, options: dict[str, Any]) -> None:
        """Print failure groups."""
        access.admit(self._actor, "letters.view")
        page = group_queries.page(
            actor=self._actor,
            search=search.parse(options["filter"]),
            now=clock.SYSTEM.now(),
            limit=options["limit"],
        )
        shown = groups_api.paged(page, actor=self._actor)
        self._print(shown, map(printing.group_line, shown.items))

    def _show(self, options: dict[str, Any]) -> None:
        """Print one letter."""
        access.admit(self._actor, "letters.view")
        found = letter_queries.one(actor=self._actor, letter_id=options["letter"])
        letter = letters_api.shown(found, actor=self._actor)
        self._print(letter, printing.letter_lines(letter))

    def _replays(self, options: dict[str, Any]) -> None:
        """Print the newest runs, or one, or its items."""
        access.admit(self._actor, "letters.view")
        if options["replay"] is None:
            runs = replays_api.paged(replay_queries.replays(actor=self._actor))
            self._print(runs, map(printing.run_line, runs.items))
            return
        run = replay_queries.visible_replay(options["replay"], actor=self._actor)
        if not options["items"]:
            self._print(replays_api.shown(run), [printing.run_line(replays_api.shown(run))])
            return
        rows, after = replay_queries.items(run, after=options["after"], limit=options["limit"])
        items = replays_api.items_shown(rows, after, actor=self._actor)
        self._print(items, map(printing.item_line, items.items))
        if after is not None:
            self.aside(f"the next page: --after {after}")

    # --- acting

    def _replay(self, options: dict[str, Any]) -> None:
        """Print the plan; approve it when told to."""
        asking.check_reason(options, example=EXAMPLES["replay"][1])
        plan = self._plan(options)
        shown = plans_api.shown(plan)
        if not options["yes"]:
            approve = asking.approval(plan, account=self._actor.account)
            self._print(shown, [*printing.plan_lines(shown), f"Nothing was sent. To approve this plan: {approve}"])
            return
        for line in printing.plan_lines(shown):
            self.aside(line)
        approval = replays.approve(
            plan_id=plan.pk,
            plan_hash=plan.hash if options["plan"] is None else options["hash"],
            reason=options["reason"],
            actor=self._actor,
            now=clock.SYSTEM.now(),
        )
        if not approval.created:
            self.aside(f"This plan was approved before, by {approval.replay.actor}: this approval started nothing.")
        run = self._followed(approval.replay.pk) if options["wait"] else replays_api.shown(approval.replay)
        self._print(run, [printing.run_line(run)])
        if options["wait"] and run.counts["confirmed"] + run.counts["passed"] < run.total:
            raise SystemExit(NOT_ALL_GOOD)

    def _plan(self, options: dict[str, Any]) -> ReplayPlan:
        """The plan that is named, else a new one."""
        asking.check_plan(options)
        if options["plan"] is not None:
            access.admit(self._actor, "letters.view")
            return replay_queries.visible_plan(options["plan"], actor=self._actor)
        scope, terms = asking.scope_of(options), asking.terms_of(options)
        return plans.draw(scope=scope, terms=terms, actor=self._actor, now=clock.SYSTEM.now())

    def _discard(self, options: dict[str, Any]) -> None:
        """Discard, or say how many it would be."""
        asking.check_reason(options, example=EXAMPLES["discard"][-1])
        scope = asking.scope_of(options)
        if not options["yes"]:
            access.admit(self._actor, "letters.discard")
            count = discards.count(scope=scope, actor=self._actor)
            asked = "add --yes and --reason to do it."
            self._print(WouldDiscard(letters=count), [f"{count:,} letters would be discarded: {asked}"])
            return
        made = discards.discard(
            scope=scope,
            reason=options["reason"],
            expected=options["expect"],
            actor=self._actor,
            now=clock.SYSTEM.now(),
        )
        undo = command_line.spelled("letters", "undo", str(made.pk), "--as", self._actor.account)
        until = f"until {made.undo_until:%Y-%m-%d %H:%M} UTC: {undo}"
        self._print(discards_api.reported(made), [f"discard {made.pk}: {made.count:,} letters, undoable {until}"])

    def _undo(self, options: dict[str, Any]) -> None:
        """Undo a discard."""
        made = discards.undo(discard_id=options["discard"], actor=self._actor, now=clock.SYSTEM.now())
        self._print(discards_api.shown(made), [f"discard {made.pk} is undone"])

    def _control(self, act: Callable[..., replays.OnTheWay]) -> Callable[[dict[str, Any]], None]:
        def run(options: dict[str, Any]) -> None:
            done = act(replay_id=options["replay"], actor=self._actor, now=clock.SYSTEM.now())
            shown = replays_api.shown(done.replay)
            self._print(shown, [printing.run_line(shown), f"{done.on_the_way:,} are on their way already"])

        return run

    def _followed(self, replay_id: int) -> replays_api.Run:
        """Print the run's line whenever it changes until it is over or stopped by itself; its last line is left to the
        caller, as the answer."""
        said = ""
        while True:
            run = replays_api.shown(replay_queries.replay(replay_id))
            if run.state in ENDED or run.state is RunState.STOPPED:
                return run
            if (line := printing.run_line(run)) != said:
                self.aside(line)
                said = line
            clock.SYSTEM.sleep(WAIT_LOOK_S)

    # --- printing

    def _print(self, document: Schema, lines: Iterable[str]) -> None:
        if self._json:
            self.stdout.write(document.model_dump_json())
            return
        for line in lines:
            self.stdout.write(line)
