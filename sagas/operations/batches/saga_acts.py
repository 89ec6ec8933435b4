"""Batches of acts on sagas: chosen by filter or by ids, previewed one by one, done like the act on one saga."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from reliability import audit
from reliability.kernel import text
from reliability.kernel.command_line import spelled
from reliability.kernel.errors import Refused
from sagas.domain import bulk, previewing
from sagas.domain.acts import CannotNow, Command
from sagas.domain.batching import ITEMS_MAX, Drawn, LeftOut, Planned
from sagas.domain.moves import IllegalEvent
from sagas.operations import acting
from sagas.operations.batches.kinds import Item, Kind
from sagas.queries import histories, lists
from sagas.queries.lists import Filter, WrongFilter

NAME: Final = "sagas.act"
TEXT_MAX: Final = 400
AGE_S_MAX: Final = 10**9
_TEXTS: Final = ("key", "state", "definition", "step", "error")


class TooMany(Refused):
    """More match than one batch holds: narrow the filter, or take the first of them."""

    code = "too-many"
    status = 422


def draw(what: Mapping[str, Any], asked: Mapping[str, Any], now: datetime) -> Drawn:
    """Look at every saga that is asked for: what the act leads to there, or why it is not possible.

    Raises ``bulk.WrongBulkAct``, ``WrongFilter`` and ``TooMany``.
    """
    command = bulk.command(what)
    wanted, ids = _chosen(asked, now)
    items: list[Planned] = []
    left_out: list[LeftOut] = []
    for saga_id in ids:
        found = _looked_at(saga_id, command, now)
        if isinstance(found, Planned):
            items.append(found)
        else:
            left_out.append(found)
    told = {"act": str(command.act), **({"step": command.step} if command.step else {})}
    return Drawn(title=" ".join(told.values()), what=told, filter=wanted, items=items, left_out=left_out)


def _chosen(asked: Mapping[str, Any], now: datetime) -> tuple[dict[str, Any], Sequence[UUID]]:
    """Return what was asked for, without what narrows nothing, and the ids that it means now."""
    if "ids" in asked:
        if set(asked) > {"ids"}:
            raise WrongFilter("Either ids, or a filter: not both.")
        ids = list(dict.fromkeys(asked["ids"]))
        if len(ids) > ITEMS_MAX:
            raise TooMany(f"These are {len(ids):,} sagas, and one batch holds {ITEMS_MAX:,}.")
        return {"ids": [str(each) for each in ids]}, ids
    wanted, first = _filter(asked)
    ids = lists.ids(wanted, now=now, limit=first or ITEMS_MAX + 1)
    if len(ids) > ITEMS_MAX:
        raise TooMany(
            f"More than {ITEMS_MAX:,} sagas match, and one batch holds no more: narrow the filter, "
            f"or take the first {ITEMS_MAX:,}."
        )
    return {name: value for name, value in asked.items() if value not in ("", None)}, ids


def _filter(asked: Mapping[str, Any]) -> tuple[Filter, int | None]:
    texts = {name: str(asked.get(name) or "") for name in _TEXTS}
    for name, value in texts.items():
        if len(value) > TEXT_MAX or not text.is_storable(value):
            raise WrongFilter(f"{name}: at most {TEXT_MAX} characters, and no NUL.")
    older, first = asked.get("older_than_seconds"), asked.get("first")
    if older is not None and not 0 <= older <= AGE_S_MAX:
        raise WrongFilter(f"older_than_seconds: 0 to {AGE_S_MAX:,}.")
    if first is not None and not 1 <= first <= ITEMS_MAX:
        raise WrongFilter(f"first: 1 to {ITEMS_MAX:,}, as many as one batch holds.")
    return Filter(**texts, older_than=None if older is None else timedelta(seconds=older)), first


def _looked_at(saga_id: UUID, command: Command, now: datetime) -> Planned | LeftOut:
    target, label = str(saga_id), str(saga_id)
    try:
        saga = histories.load(saga_id)
        label = saga.key
        seen = previewing.preview(saga, command, now=now)
    except histories.NoSuchSaga:
        return LeftOut(target=target, label=label, why="There is no such saga.")
    except CannotNow as why:
        return LeftOut(target=target, label=label, why=str(why))
    except (IllegalEvent, KeyError, ValueError):
        return LeftOut(
            target=target, label=label, why=f"Its history cannot be read; look with: {spelled('sagas', 'verify')}"
        )
    return Planned(
        target=target,
        label=label,
        version=saga.version,
        follows=bulk.follows(seen),
        effects=bulk.effects(seen),
        warnings=seen.warnings,
    )


def do(item: Item, entry: audit.Draft, seen: object) -> str:
    """Do the act to one saga, if it is still as it was looked at."""
    command = bulk.command(item.what)
    done = acting.act_within(entry, UUID(item.target), command, expected_version=item.expected_version)
    return bulk.done(done.entry, done.saga.status)


KIND: Final = Kind(name=NAME, right=acting.ACT, one="saga", many="sagas", draw=draw, do=do)
