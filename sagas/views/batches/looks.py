"""What pages have to know of each kind of batch besides what it keeps itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from reliability import access
from reliability.console.views.copies import REASON, Copy, curl
from reliability.kernel.command_line import spelled
from sagas.domain import bulk
from sagas.domain.acts import Act
from sagas.domain.batching import ITEMS_MAX, State
from sagas.domain.state import Status
from sagas.operations.batches import saga_acts
from sagas.queries import lists
from sagas.views import filters, wording
from sagas.views.batches.look import Look, Now, What
from sagas.views.batches.repair_look import REPAIRS

if TYPE_CHECKING:
    from sagas.models import Batch

IDS_SPELLED_MAX: Final = 20  # a command or an address with more ids than this is nothing to read or to paste


def summed(found: Mapping[str, Now]) -> list[Now]:
    """Return each way to stand once, with its number; the most frequent first."""
    counted: dict[tuple[str, str], int] = {}
    for each in found.values():
        counted[each.kind, each.word] = counted.get((each.kind, each.word), 0) + 1
    most = sorted(counted.items(), key=lambda pair: -pair[1])
    return [Now(kind=kind, word=word, count=count) for (kind, word), count in most]


def _name(what: What) -> str:
    act = Act(what["act"])
    return f"{wording.ACTS[act]}: {what['step']}" if act is Act.SKIP else wording.ACTS[act]


def _now(targets: Sequence[str]) -> dict[str, Now]:
    found = {}
    for saga_id, status in lists.statuses([UUID(each) for each in targets]).items():
        kind, word = wording.STATUSES[Status(status)]
        found[str(saga_id)] = Now(kind=kind, word=word)
    return found


def address(fields: Sequence[tuple[str, str]]) -> str:
    """Return the form with these fields filled in."""
    return f"{reverse('sagas:new-batch')}?{urlencode(fields)}"


def fields_of(batch: Batch) -> list[tuple[str, str]] | None:
    """Return what the form was sent with; None for what it cannot say."""
    act = [("act", str(batch.what["act"])), ("skip", str(batch.what.get("step", "")))]
    if "ids" in batch.filter:
        chosen = [("saga", each) for each in batch.filter["ids"]]
        return [*act, *chosen] if len(chosen) <= lists.PAGE else None
    typed, first = filters.typed_of(batch.filter), batch.filter.get("first")
    if typed is None or first not in (None, ITEMS_MAX):
        return None
    return [*act, *typed.items(), ("first", "1" if first else "")]


def _again(batch: Batch) -> str:
    fields = fields_of(batch)
    return "" if fields is None else address([(name, value) for name, value in fields if value])


def _copies(request: HttpRequest, batch: Batch) -> list[Copy]:
    account = access.actor_of(request).account
    about = f"/saga-batches/{batch.id}"
    if batch.state == State.PLANNED:
        words = ("--batch", str(batch.id), "--hash", batch.hash, "--reason", REASON, "--as", account, "--yes")
        started = {"hash": batch.hash, "reason": REASON}
        made = [
            Copy(name="command line: start this plan", text=spelled("sagas", "act-all", *words)),
            curl(request, f"{about}/start", started, name="start this plan"),
        ]
    else:
        made = [
            curl(request, about, method="GET", name="watch"),
            curl(request, f"{about}/items?state=refused", method="GET", name="what was refused"),
            *([curl(request, f"{about}/cancellation", name="cancel")] if batch.state == State.RUNNING else []),
        ]
    return [*made, *_anew(request, batch, account)]


def _anew(request: HttpRequest, batch: Batch, account: str) -> list[Copy]:
    """The same plan drawn again, if it can be spelled."""
    if len(batch.filter.get("ids", ())) > IDS_SPELLED_MAX:
        return []
    words = ["act-all", str(batch.what["act"])]
    words += ["--skip", str(batch.what["step"])] if batch.what.get("step") else []
    if "ids" in batch.filter:
        words += ["--ids", *batch.filter["ids"]]
    for name in ("state", "definition", "step", "key", "error"):
        words += [f"--{name}", str(batch.filter[name])] if batch.filter.get(name) else []
    older, first = batch.filter.get("older_than_seconds"), batch.filter.get("first")
    words += ["--older-than", str(older)] if older is not None else []
    words += ["--first", str(first)] if first is not None else []
    asked = {"ids": batch.filter["ids"]} if "ids" in batch.filter else {"filter": batch.filter}
    return [
        Copy(name="command line: plan it anew", text=spelled("sagas", *words, "--as", account)),
        curl(request, "/saga-batches", {**batch.what, **asked}, name="plan it anew"),
    ]


SAGA_ACTS: Final = Look(
    kind=saga_acts.KIND,
    home=("sagas:sagas", "Sagas"),
    name=_name,
    means=lambda what: wording.MEANS[Act(what["act"])],
    final=lambda what: Act(what["act"]) in bulk.FINAL,
    link=lambda target: reverse("sagas:saga", args=[target]),
    now=_now,
    asked=filters.in_words,
    again=_again,
    copies=_copies,
)
LOOKS: Final[Mapping[str, Look]] = {each.kind.name: each for each in (SAGA_ACTS, REPAIRS)}
"""A new kind has its line here, as in ``operations.batches.table``."""
