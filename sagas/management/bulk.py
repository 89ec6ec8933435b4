"""Bulk acts from the command line: ``sagas act-all`` and ``reconcile repair-all`` plan, show, start and follow."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.core.management.base import CommandError

from reliability import access
from reliability.kernel import clock
from reliability.kernel.command_line import spelled
from reliability.kernel.text import printable
from sagas.domain import batching, bulk
from sagas.domain.batching import ItemState, State
from sagas.operations import batches
from sagas.operations.batches import saga_acts
from sagas.operations.batches.kinds import Kind
from sagas.queries import batches as queries

if TYPE_CHECKING:
    from sagas.models import Batch

Say = Callable[[str], None]
Afterwards = Callable[[Sequence[str]], Iterable[str]]  # what was acted on
NARROWS: Final = ("state", "definition", "step", "key", "error")
REASON: Final = "…"  # for the reader to fill in
LOOK_S: Final = 0.5
SAID_EVERY_S: Final = 1.0
REFUSED_SAID: Final = 20  # by name; the page and the API have them all
LINE: Final = 100
NOT_ALL_DONE: Final = 2  # exit status when something was refused, failed or left
EXAMPLES: Final = (
    ("sagas", "act-all", "retry", "--state", "needs_operator", "--step", "charge", "--as", "ana"),
    (
        *("sagas", "act-all", "retry", "--state", "stuck", "--definition", "order"),
        *("--reason", "provider recovered", "--as", "ana", "--yes"),
    ),
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add what ``act-all`` takes."""
    parser.add_argument("act", nargs="?", choices=[str(each) for each in bulk.ACTS], help="what shall be done")
    parser.add_argument("--ids", type=_uuid, nargs="+", metavar="ID", help="these sagas")
    for name, help_ in (
        ("state", "open, stuck, or a status such as needs_operator"),
        ("definition", "of this definition"),
        ("step", "at this step"),
        ("key", "business keys that begin so"),
        ("error", "with this in the error"),
    ):
        parser.add_argument(f"--{name}", default="", help=help_)
    parser.add_argument("--older-than", type=_number, metavar="SECONDS", help="started so long ago")
    parser.add_argument("--all", action="store_true", help="every saga on which it is possible")
    parser.add_argument("--first", type=_number, metavar="N", help="of those that match only the first so many")
    parser.add_argument("--skip", default="", metavar="STEP", help="for skip: the step")
    add_plan_arguments(parser)
    parser.add_argument("--as", dest="username", required=True, help="the account whose rights count")
    parser.add_argument("--reason", default="", help="goes on record with each saga")
    parser.add_argument("--yes", action="store_true", help="start it without asking")


def add_plan_arguments(parser: ArgumentParser) -> None:
    """Add what names a plan that was made before."""
    parser.add_argument("--batch", type=_uuid, metavar="ID", help="a plan that was made before, as it is")
    parser.add_argument("--hash", default="", metavar="H", help="of the plan that --batch names: another is refused")


def run(options: dict[str, Any], *, say: Say, aside: Say) -> None:
    """Show the plan, ask, start it, and help to work it off until it is over.

    Raises ``Refused`` and ``CommandError``; ``SystemExit`` when not everything was done.
    """
    actor = access.cli_actor(options["username"])
    if options["yes"] and not options["reason"].strip():
        raise CommandError("A reason is required: --yes takes --reason.")
    if options["batch"] is not None:
        given = [name for name in ("act", "ids", "older_than", "first", "skip", "all", *NARROWS) if options[name]]
        batch = known(options, given, kind=saga_acts.KIND, actor=actor)
    else:
        batch = _planned(options, actor)
    carry_out(batch, options, kind=saga_acts.KIND, words=("sagas", "act-all"), actor=actor, say=say, aside=aside)


def carry_out(
    batch: Batch,
    options: Mapping[str, Any],
    *,
    kind: Kind,
    words: Sequence[str],
    actor: access.Actor,
    say: Say,
    aside: Say,
    afterwards: Afterwards = lambda targets: (),
) -> None:
    """Show a plan, ask unless ``--yes`` was said, start it, and help to work it off until it is over.

    ``words`` name the command, for the line that starts this very plan; ``afterwards`` says how those stand on which it
    was done. Raises as ``run``.
    """
    if options["yes"] and options["batch"] is None:
        aside("This is a plan of this moment; --batch and --hash start one that was shown before, as it was shown.")
    for line in plan_lines(batch, kind):
        say(line)
    total = queries.counts_of(batch).total
    if not (options["yes"] or _agreed(options, total, aside)):
        more = ("--batch", str(batch.id), "--hash", batch.hash, "--reason", REASON, "--as", options["username"])
        say(f"Nothing was done. To start this plan: {spelled(*words, *more, '--yes')}")
        return
    seen = options["hash"] or batch.hash
    started = batches.start(batch_id=batch.id, seen_hash=seen, reason=options["reason"], actor=actor)
    if not started.begun:
        aside(f"It was started before, by {started.batch.begun_by}: this starts nothing.")
    batch = _followed(batch.id, aside)
    counts = queries.counts_of(batch)
    for line in _not_done(batch):
        say(line)
    say(batching.outcome(State(batch.state), counts) + (f" It stopped: {batch.note}" if batch.note else ""))
    for line in afterwards(queries.targets(batch, state=ItemState.DONE)):
        say(line)
    if counts.number(ItemState.DONE) < counts.total:
        raise SystemExit(NOT_ALL_DONE)


def plan_lines(batch: Batch, kind: Kind) -> Iterator[str]:
    """Say what a plan would do."""
    total = queries.counts_of(batch).total
    yield f"{batch.title}: {kind.counted(total)} (plan {batch.id}, hash {batch.hash[:12]}…)"
    for each in queries.following_of(batch):
        yield f"  {each['count']:>6,}  {each['text']}"
    of = "calls of " if kind is saga_acts.KIND else ""
    for each in batch.effects:
        yield f"  {each['count']:>6,}  {of}{printable(each['text'], limit=400)}"
    for each in batch.warnings:
        yield f"! {each['count']:>6,}  {each['text']}"
    for each in batch.left_out:
        some = ", ".join(printable(one["label"], limit=40) for one in each.get("examples", ()))
        yield f"- {each['count']:>6,}  left out: {each['text']}" + (f" ({some})" if some else "")


def known(options: Mapping[str, Any], given: Sequence[str], *, kind: Kind, actor: access.Actor) -> Batch:
    """Return the plan that ``--batch`` names: what was looked at is not planned anew.

    ``given``: names of options that would have made another plan. Raises ``CommandError`` and ``Refused``.
    """
    if given:
        raise CommandError("--batch is started as it was planned: give nothing else that would change it.")
    if not options["hash"]:
        raise CommandError("--batch takes --hash: the one that the plan showed.")
    access.admit(actor, kind.right)
    return queries.one(options["batch"], kinds=(kind.name,))


def _planned(options: dict[str, Any], actor: access.Actor) -> Batch:
    if options["hash"]:
        raise CommandError("--hash belongs to a plan: name it with --batch.")
    if options["act"] is None:
        raise CommandError(f"Name the act: {', '.join(bulk.ACTS)}.")
    asked: dict[str, Any] = {name: options[name] for name in NARROWS if options[name]}
    asked |= {"older_than_seconds": options["older_than"]} if options["older_than"] is not None else {}
    chosen = bool(asked) + bool(options["ids"]) + options["all"]
    if chosen != 1:
        raise CommandError("Say which: narrow them (--state, --definition, ...), name them with --ids, or say --all.")
    asked |= {"first": options["first"]} if options["first"] is not None else {}
    asked |= {"ids": options["ids"]} if options["ids"] else {}
    what = {"act": options["act"], **({"step": options["skip"]} if options["skip"] else {})}
    return batches.plan(kind=saga_acts.NAME, what=what, asked=asked, actor=actor)


def _agreed(options: Mapping[str, Any], total: int, aside: Say) -> bool:
    """Ask for the number of items, where somebody can answer and has given a reason."""
    if not options["reason"].strip() or not total or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    aside(f"Type the number to start it ({total}), anything else leaves them as they are:")
    if sys.stdin.readline().strip().replace(",", "") == str(total):
        return True
    raise CommandError("That is not their number: nothing was done.")


def _followed(batch_id: UUID, aside: Say) -> Batch:
    """Work along with the workers until it is over. Who ends this process ends nothing: they go on."""
    said_at = clock.SYSTEM.monotonic()
    while True:
        mine = batches.step(batch_id)
        now_s = clock.SYSTEM.monotonic()
        if mine and now_s - said_at < SAID_EVERY_S:
            continue
        batch, said_at = queries.one(batch_id), now_s
        if queries.is_over(batch):
            return batch
        aside(batching.outcome(State(batch.state), queries.counts_of(batch)))
        if not mine:
            clock.SYSTEM.sleep(LOOK_S)


def _not_done(batch: Batch) -> Iterator[str]:
    """Name some of those on which nothing was done, and why."""
    for state in (ItemState.REFUSED, ItemState.FAILED):
        rows, more = queries.items(batch, state=str(state), limit=REFUSED_SAID)
        for row in rows:
            yield f"{state}  {printable(row.label, limit=40)}  {printable(row.message, limit=LINE)}"
        if more is not None:
            yield f"{state}  ... and more"


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{printable(text, limit=40)!r} is no id") from None


def _number(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 9:
        return int(text)
    raise ArgumentTypeError(f"{printable(text, limit=40)!r} is no whole number")
