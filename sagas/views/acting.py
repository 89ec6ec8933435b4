"""An act on a saga: what it would lead to, then, with a reason, done on what was looked at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from reliability import access, audit
from reliability.console.views.acts import told
from reliability.console.views.copies import REASON, Copy, curl
from reliability.kernel.command_line import spelled
from reliability.kernel.errors import Refused
from reliability.live import fragment
from sagas import definitions
from sagas.domain import acts, previewing
from sagas.domain.acts import Act, Command
from sagas.domain.state import Saga
from sagas.operations import acting
from sagas.queries import histories
from sagas.views import mirror, wording

RESULT = acts.GIVING
ACT = acting.ACT


class NotJson(Refused):
    """The data are a JSON object, such as {"reference": "r1"}."""

    code = "not-json"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was typed."""

    reason: str
    data: str
    step: str
    version: int


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires(ACT)
@told
def page(request: HttpRequest, saga_id: UUID, act: str) -> HttpResponseBase:
    """What would follow; POST does it."""
    if act not in set(Act):
        raise Http404("There is no such act.")
    with audit.admitted(ACT, actor=access.actor_of(request), target=f"saga:{saga_id}"):
        saga = histories.load(saga_id)
    sent = _sent(request, saga, Act(act))
    if request.method != "POST" or "again" in request.POST:
        return _form(request, saga, Act(act), sent)
    try:
        acting.act(
            saga_id,
            _command(Act(act), sent, saga),
            expected_version=sent.version,
            actor=access.actor_of(request),
            reason=sent.reason,
        )
    except access.Denied:
        raise
    except Refused as refused:
        return _form(request, histories.load(saga_id), Act(act), sent, refused=refused)
    messages.success(
        request, f"{wording.ACTS[Act(act)]}: on record. The engine goes on from there; this page follows it."
    )
    return redirect("sagas:saga", saga_id)


def _sent(request: HttpRequest, saga: Saga, act: Act) -> Sent:
    typed = {name: request.POST.get(name, "").replace("\x00", "") for name in ("reason", "data", "step", "version")}
    data = typed["data"]
    if "data" not in request.POST:
        shape = dict(saga.data) if act is Act.EDIT else acts.to_give(saga, act)
        data = mirror.pretty(shape) if shape or act is Act.EDIT else ""
    version = typed["version"]
    known = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0  # of no saga
    known = known if request.method == "POST" else saga.version
    return Sent(reason=typed["reason"], data=data, step=typed["step"] or acts.resumable(saga), version=known)


def _command(act: Act, sent: Sent, saga: Saga) -> Command:
    data = _parsed(sent.data)
    if act is Act.EDIT:
        if not sent.data.strip():
            raise NotJson("There are no data here: type {} if all of them shall go.")
        return Command(act=act, set=data, unset=[name for name in saga.data if name not in data])
    return Command(act=act, step=sent.step if act is Act.RESUME else "", result=data if act in RESULT else {})


def _parsed(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        value = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise NotJson(f"The data are not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise NotJson
    return value


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise NotJson("The data name a key twice.")
    return found


def _form(request: HttpRequest, saga: Saga, act: Act, sent: Sent, *, refused: Refused | None = None) -> HttpResponse:
    seen = None
    why = ""
    try:
        command = _command(act, sent, saga)
        unedited = act is Act.EDIT and request.method != "POST"
        seen = None if unedited else previewing.preview(saga, command, now=histories.database_now())
    except acts.DataMissing as missing:  # the form asks for them
        refused = refused if request.method != "POST" else refused or missing
    except Refused as refusal:
        why = str(refusal)
    if act is Act.EDIT and request.method != "POST":
        why = acts.refusal(saga, Command(act=act))
    context: dict[str, Any] = {
        "title": f"{wording.ACTS[act]}: {saga.key}",
        "saga": saga,
        "act": str(act),
        "name": wording.ACTS[act],
        "means": wording.MEANS[act],
        "seen": seen,
        "calls": [
            (call, definitions.says(saga.definition, saga.definition_version, call.step, call.side))
            for call in (seen.calls if seen else ())
        ],
        "at_once": wording.STATUSES[seen.status][1].lower() if seen else "",
        "at_end": wording.STATUSES[seen.ends][1].lower() if seen else "",
        "why": why if refused is None else "",
        "refused": refused,
        "sent": sent,
        "takes_data": act in RESULT or act is Act.EDIT,
        "edits": act is Act.EDIT,
        "gives": ", ".join(acts.lacking_names(saga, act)),
        "event": _event(saga) if act is Act.HAPPENED else "",
        "steps": [step.name for step in saga.plan.steps] if act is Act.RESUME else [],
        "danger": act in (Act.TERMINATE, Act.COMPENSATE),
        "moved": sent.version != saga.version,
        "copies": _copies(request, saga, act),
    }
    template = "sagas/act.html#dialog" if fragment.asked_for(request) == "dialog" else "sagas/act.html"
    return render(request, template, context, status=refused.status if refused else 200)


def _event(saga: Saga) -> str:
    work = acts.work_at_hand(saga)
    return work[0].event if work is not None else ""


def _copies(request: HttpRequest, saga: Saga, act: Act) -> list[Copy]:
    body = {"act": str(act), "version": saga.version, "reason": REASON}
    account = access.actor_of(request).account
    return [
        curl(request, f"/sagas/{saga.id}/acts", body),
        Copy(
            name="command line",
            text=spelled("sagas", "act", saga.id, str(act), "--reason", REASON, "--as", account, "--yes"),
        ),
    ]
