"""How batches of repairs are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from django.http import HttpRequest
from django.urls import reverse

from reliability import access
from reliability.console.views.copies import REASON, Copy, curl
from reliability.kernel.command_line import spelled
from sagas import reconciliations
from sagas.domain.batching import State
from sagas.domain.reconciling.definition import Difference
from sagas.domain.reconciling.finding import State as Stands
from sagas.operations.batches import repairs
from sagas.queries import findings
from sagas.views.batches.look import Look, Now, What
from sagas.views.reconciling import wording

if TYPE_CHECKING:
    from sagas.models import Batch


def _kind(what: What) -> Difference | None:
    defined = reconciliations.find(str(what["reconciliation"]))
    return defined.difference(str(what["difference"])) if defined is not None else None


def _name(what: What) -> str:
    kind = _kind(what)
    repair = kind.repair(str(what["repair"])) if kind is not None else None
    return repair.title if repair is not None else str(what["repair"])


def _means(what: What) -> str:
    kind = _kind(what)
    title = kind.title if kind is not None else str(what["difference"])
    return f"Each finding “{title}” is repaired like a single one, and both sides are looked at again." + (
        " Dead letters of these keys are not looked at here: where one waits, it may be the same request, and to replay"
        " it does things once."
    )


def _now(targets: Sequence[str]) -> dict[str, Now]:
    found = {}
    for row in findings.some([int(each) for each in targets]):
        shape, word = wording.STATES[Stands(row.state)]
        found[str(row.id)] = Now(kind=shape, word=word)
    return found


def _asked(asked: What) -> str:
    return f"open ones whose key begins with {asked['key']}" if asked.get("key") else "all open ones"


def _copies(request: HttpRequest, batch: Batch) -> list[Copy]:
    account = access.actor_of(request).account
    about = f"/repair-batches/{batch.id}"
    words = ["reconcile", "repair-all", batch.what["reconciliation"], batch.what["difference"], batch.what["repair"]]
    words += ["--key", batch.filter["key"]] if batch.filter.get("key") else []
    anew = Copy(name="command line: plan it anew", text=spelled(*words, "--as", account))
    if batch.state != State.PLANNED:
        return [curl(request, about, method="GET", name="watch"), anew]
    started = {"hash": batch.hash, "reason": REASON}
    return [curl(request, f"{about}/start", started, name="start this plan"), anew]


REPAIRS: Final = Look(
    kind=repairs.KIND,
    home=("reconcile:findings", "Reconcile"),
    name=_name,
    means=_means,
    final=lambda what: False,
    link=lambda target: reverse("reconcile:finding", args=[target]),
    now=_now,
    asked=_asked,
    again=lambda batch: "",
    copies=_copies,
)
