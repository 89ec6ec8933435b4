"""What is done to all sagas of a filter, or to those that were ticked: asked first, then planned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from reliability import access
from reliability.console.views.acts import told
from reliability.kernel import text
from reliability.kernel.errors import Refused
from reliability.live import fragment
from sagas.domain import bulk
from sagas.domain.acts import Act
from sagas.domain.batching import ITEMS_MAX
from sagas.operations import acting, batches
from sagas.operations.batches import saga_acts
from sagas.queries import histories, lists
from sagas.queries.lists import WrongFilter
from sagas.views import filters, wording

TICKED = "ticked"
"""Sent along where rows are ticked: none of them is never all of them."""
FIELDS = frozenset({*filters.NAMES, "saga", TICKED, "act", "skip", "first", "csrfmiddlewaretoken"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was chosen. ``typed`` is the filter, where no saga was ticked; ``first``: of more than fit, the first."""

    ids: list[UUID]
    typed: dict[str, str]
    act: str
    skip: str
    first: bool

    @property
    def asked(self) -> dict[str, Any]:
        """What a batch is asked with."""
        if self.ids:
            return {"ids": self.ids}
        return filters.asked(self.typed) | ({"first": ITEMS_MAX} if self.first else {})

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What the form sends along unseen."""
        if self.ids:
            return [("saga", str(each)) for each in self.ids]
        return [(name, value) for name, value in self.typed.items() if value]


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires(acting.ACT)
@told
def page(request: HttpRequest) -> HttpResponseBase:
    """Choose the act; POST plans it, and nothing is done yet."""
    if request.method != "POST":
        return _form(request, _sent(request.GET))
    sent = _sent(request.POST)
    what = {"act": sent.act, **({"step": sent.skip} if sent.act == Act.SKIP else {})}
    try:
        batch = batches.plan(kind=saga_acts.NAME, what=what, asked=sent.asked, actor=access.actor_of(request))
    except access.Denied:
        raise
    except Refused as refused:
        return _form(request, sent, refused=refused)
    return redirect("sagas:batch", batch.id)


def _sent(values: QueryDict) -> Sent:
    """Read what was sent; raises ``WrongFilter`` for what would make the act larger if it were passed over."""
    unknown = sorted(set(values) - FIELDS)
    if unknown:
        raise WrongFilter(f"There is no filter {text.printable(unknown[0], limit=40)!r}. Nothing was done.")
    typed = filters.meant(values)
    ids = _ids(values.getlist("saga"))
    if ids and any(typed.values()):
        raise WrongFilter("Either sagas, or a filter: not both. Nothing was done.")
    if TICKED in values and not ids:
        raise WrongFilter("No saga was ticked. Nothing was done.")
    return Sent(
        ids=ids,
        typed=typed,
        act=values.get("act", str(Act.RETRY)),
        skip=values.get("skip", "").strip() or typed["step"],
        first="first" in values,
    )


def _ids(given: list[str]) -> list[UUID]:
    if len(given) > ITEMS_MAX:
        raise saga_acts.TooMany(f"These are {len(given):,} sagas, and one batch holds {ITEMS_MAX:,}.")
    try:
        return [UUID(each) for each in given]
    except ValueError:
        raise WrongFilter("What was ticked is no saga. Nothing was done.") from None


def _form(request: HttpRequest, sent: Sent, *, refused: Refused | None = None) -> HttpResponse:
    now = histories.database_now()
    number = len(sent.ids) or lists.count(filters.wanted(sent.typed), now=now, most=ITEMS_MAX + 1)
    context = {
        "title": "Act on many sagas",
        "number": min(number, ITEMS_MAX),
        "more": number > ITEMS_MAX,
        "most": ITEMS_MAX,
        "asked": filters.in_words(sent.asked),
        "sent": sent,
        "acts": [(str(act), wording.ACTS[act], wording.MEANS[act]) for act in bulk.ACTS],
        "skip": str(Act.SKIP),
        "refused": refused,
        "back": filters.address(sent.typed),
    }
    template = "sagas/batch_new.html#dialog" if fragment.asked_for(request) == "dialog" else "sagas/batch_new.html"
    return render(request, template, context, status=refused.status if refused else 200)
