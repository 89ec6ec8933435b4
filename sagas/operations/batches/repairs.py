"""Batches of repairs: every open finding of one difference, looked at on both sides, repaired like a single one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from reliability import audit
from reliability.kernel import text
from reliability.kernel.errors import Refused
from sagas import reconciliations
from sagas.domain.batching import ITEMS_MAX, Drawn, LeftOut, Planned
from sagas.domain.reconciling.comparing import Judged, judge
from sagas.domain.reconciling.definition import Reconciliation, Repair
from sagas.domain.reconciling.finding import State
from sagas.domain.reconciling.proposing import Proposal
from sagas.operations.batches.kinds import Item, Kind
from sagas.operations.reconciling import observing, repairing
from sagas.queries import findings, reading
from sagas.queries.findings import Filter, Row

NAME: Final = "reconcile.repair"
TEXT_MAX: Final = 400
TRIED: Final = "A repair was tried before, and it did not help."
LOOKED_AT_A_TIME: Final = 200  # keys that both sides are asked for in one go


class WrongBulkRepair(Refused):
    """A bulk repair needs a reconciliation, one of its differences, and one of that one's repairs."""

    code = "wrong-bulk-repair"
    status = 422


def draw(what: Mapping[str, Any], asked: Mapping[str, Any], now: datetime) -> Drawn:
    """Look at both sides of every open finding of a difference; what cannot be repaired is left out with its reason.

    ``what``: reconciliation, difference, repair. ``asked``: ``key``, how keys begin. The oldest ``ITEMS_MAX`` are
    taken. Raises ``WrongBulkRepair``.
    """
    defined, repair = _meant(what)
    begins = str(asked.get("key") or "")
    if len(begins) > TEXT_MAX or not text.is_storable(begins):
        raise WrongBulkRepair(f"key: at most {TEXT_MAX} characters, and no NUL.")
    difference = str(what["difference"])
    wanted = Filter(state=State.OPEN, reconciliation=defined.name, difference=difference, key=begins)
    rows = list(findings.filtered(wanted).order_by("opened_at", "id")[:ITEMS_MAX])
    items: list[Planned] = []
    left_out: list[LeftOut] = []
    for row, found in _looked_at(defined, rows, repair):
        if isinstance(found, Proposal):
            items.append(_planned(row, found))
        else:
            left_out.append(LeftOut(target=str(row.id), label=row.key, why=found))
    told = {"reconciliation": defined.name, "difference": difference, "repair": repair.name}
    return Drawn(
        title=repair.title,
        what=told,
        filter={"key": begins} if begins else {},
        items=items,
        left_out=left_out,
    )


def _meant(what: Mapping[str, Any]) -> tuple[Reconciliation, Repair]:
    defined = reconciliations.find(str(what.get("reconciliation") or ""))
    kind = defined.difference(str(what.get("difference") or "")) if defined is not None else None
    if defined is None or kind is None:
        raise WrongBulkRepair("There is no such difference of such a reconciliation.")
    name = str(what.get("repair") or (kind.repairs[0].name if kind.repairs else ""))
    repair = kind.repair(name)
    if repair is None:
        known = ", ".join(each.name for each in kind.repairs) or "none"
        raise WrongBulkRepair(f"{kind.name} has no repair {text.printable(name, limit=60)!r}; it has {known}.")
    return defined, repair


def _looked_at(defined: Reconciliation, rows: Sequence[Row], repair: Repair) -> Iterator[tuple[Row, Proposal | str]]:
    """Each finding with what would be done, or why nothing would."""
    for begin in range(0, len(rows), LOOKED_AT_A_TIME):
        part = rows[begin : begin + LOOKED_AT_A_TIME]
        read = reading.read(defined, [row.key for row in part])
        judged = {pair.key: judge(defined, pair) for pair in read.pairs}
        observing.observe(defined, list(judged.values()), at=read.at)
        for row in part:
            if row.key in read.unread:
                yield row, f"It was not read: {read.unread[row.key]}"
                continue
            found = judged[row.key]
            if found.difference != row.difference:
                yield row, "Both sides agree by now." if not found.difference else "It differs in another way by now."
                continue
            try:
                proposal = repairing.propose(defined, findings.one(row.id), found, repair.name)
            except Refused as refusal:
                yield row, str(refusal)
                continue
            yield row, proposal.refusal or proposal


def _planned(row: Row, proposal: Proposal) -> Planned:
    return Planned(
        target=str(row.id),
        label=row.key,
        version=row.version,
        details={"hash": proposal.hash},
        follows="Then both sides should agree" if not proposal.ends else "Then something else is left to do",
        effects=tuple(
            command.says().replace(f"the key {row.key}", "its key").replace(row.key, "its key")
            for command in proposal.commands
        ),
        warnings=tuple(warning for warning in (proposal.ends, TRIED if row.repairs else "") if warning),
    )


def look(item: Item) -> tuple[Row, Callable[[], tuple[Reconciliation, Judged]]]:
    """Read both sides, which may take seconds, before anything is locked."""
    row = findings.one(int(item.target))
    return row, repairing.read_first(row)


def do(item: Item, entry: audit.Draft, seen: tuple[Row, Callable[[], tuple[Reconciliation, Judged]]]) -> str:
    """Do one repair, if both sides and what would be done are still as they were planned."""
    row, read = seen
    entry.target = f"finding:{row.reconciliation}/{row.key}"

    def as_planned(proposal: Proposal) -> bool:
        return bool(proposal.hash == item.details.get("hash"))

    done = repairing.apply_within(entry, row, read, repair=str(item.what["repair"]), as_planned=as_planned)
    return f"{done.repair}: applied; both sides are looked at again."


KIND: Final = Kind(name=NAME, right=repairing.REPAIR, one="finding", many="findings", draw=draw, do=do, look=look)
