"""Acts on a finding: look again, repair what is seen now, let it be, take that back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from reliability import access, audit
from reliability.console.domain.values import Fact
from reliability.console.views.acts import told
from reliability.console.views.copies import REASON, Copy, curl
from reliability.kernel import clock
from reliability.kernel.command_line import spelled
from reliability.kernel.errors import Refused
from reliability.kernel.text import printable
from reliability.live import fragment
from sagas.domain.reconciling.commands import AppendEvent
from sagas.domain.reconciling.pair import plain
from sagas.domain.reconciling.proposing import NoRepair
from sagas.operations import batches
from sagas.operations.batches import repairs
from sagas.operations.reconciling import repairing
from sagas.operations.reconciling.repairing import DISMISS, REPAIR, Look
from sagas.queries import findings
from sagas.views import elsewhere
from sagas.views.reconciling import wording

DISMISSAL = {
    "dismissal": ("Dismiss", "It stays as it is, and out of the queue, until one of the sides says something else."),
    "reopening": ("Open again", "It goes back into the queue."),
}


@require_POST
@access.requires("reconcile.compare")
@told
def look_again(request: HttpRequest, finding_id: int) -> HttpResponseBase:
    """Read both sides of this key now."""
    look = repairing.look(finding_id, actor=access.actor_of(request))
    if look.judged is None:
        messages.warning(request, f"Nothing new is known: {look.unread}")
    elif look.judged.difference:
        messages.success(request, "Looked at both sides: they still differ.")
    else:
        messages.success(request, "Looked at both sides: they agree.")
    return redirect("reconcile:finding", finding_id)


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires(REPAIR)
@told
def repair(request: HttpRequest, finding_id: int) -> HttpResponseBase:
    """What a repair would do to both sides as they are now; POST does it."""
    actor = access.actor_of(request)
    name = request.POST.get("repair", request.GET.get("repair", "")).replace("\x00", "")[:100]
    reason = request.POST.get("reason", "").replace("\x00", "")
    if request.method != "POST":
        return _form(request, repairing.look(finding_id, repair=name, actor=actor), name, reason)
    try:
        repairing.apply(
            finding_id,
            repair=name,
            plan_hash=request.POST.get("hash", "") or "none",
            actor=actor,
            reason=reason,
        )
    except access.Denied:
        raise
    except Refused as refused:
        if refused.status == 404 and not isinstance(refused, NoRepair):
            raise
        look = repairing.look(finding_id, repair=name, actor=actor)
        return _form(request, look, name, reason, refused=refused)
    messages.success(request, "Repair applied and on record. Both sides are looked at again; this page follows it.")
    return redirect("reconcile:finding", finding_id)


@require_POST
@access.requires(REPAIR)
@told
def repair_all(request: HttpRequest) -> HttpResponseBase:
    """Plan the repair of every open finding of a difference; nothing is done before the plan is started."""
    what = {name: request.POST.get(name, "").replace("\x00", "") for name in ("reconciliation", "difference", "repair")}
    asked = {"key": request.POST.get("q", "").replace("\x00", "").strip()}
    batch = batches.plan(kind=repairs.NAME, what=what, asked=asked, actor=access.actor_of(request))
    return redirect("sagas:batch", batch.id)


@require_http_methods(["GET", "HEAD", "POST"])
@access.requires(DISMISS)
@told
def dismissal(request: HttpRequest, finding_id: int, act: str) -> HttpResponseBase:
    """Let a finding be as it is, or take that back."""
    if act not in DISMISSAL:
        raise Http404("There is no such act.")
    actor = access.actor_of(request)
    with audit.admitted(DISMISS, actor=actor, target=f"finding:{finding_id}"):
        row = findings.one(finding_id)
    reason = request.POST.get("reason", "").replace("\x00", "")
    refused: Refused | None = None
    if request.method == "POST":
        typed = request.POST.get("version", "")
        version = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else -1
        operation = repairing.dismiss if act == "dismissal" else repairing.reopen
        try:
            operation(finding_id, actor=actor, reason=reason, version=version)
            messages.success(request, f"{DISMISSAL[act][0]}: on record.")
            return redirect("reconcile:finding", finding_id)
        except access.Denied:
            raise
        except Refused as error:
            refused = error
            row = findings.one(finding_id)
    context = {
        "title": f"{DISMISSAL[act][0]}: {printable(row.key, limit=60)}",
        "finding": row,
        "kind": wording.kind_of(row),
        "act": act,
        "name": DISMISSAL[act][0],
        "means": DISMISSAL[act][1],
        "reason": reason,
        "refused": refused,
    }
    return _rendered(request, "reconcile/dismissal.html", context, refused)


def _form(request: HttpRequest, look: Look, name: str, reason: str, *, refused: Refused | None = None) -> HttpResponse:
    row = findings.one(look.row.id)
    kind = wording.kind_of(row)
    proposal = look.proposal
    chosen = proposal.repair.name if proposal is not None else name
    context: dict[str, Any] = {
        "title": f"Repair {printable(row.key, limit=60)}",
        "finding": row,
        "kind": kind,
        "look": look,
        "proposal": proposal,
        "repairs": kind.defined.repairs if kind.defined is not None else (),
        "chosen": chosen,
        "refused": refused,
        "reason": reason,
        "sides": _changes(look, kind.side_names),
        "copies": _copies(request, look, chosen) if proposal is not None else [],
        "letters": _letters(request, look),
        "troubles": _troubles(request, look),
    }
    return _rendered(request, "reconcile/repair.html", context, refused)


def _letters(request: HttpRequest, look: Look) -> elsewhere.Known:
    """Dead letters of the same key: one of them may be the very request that a repair would make again."""
    if look.proposal is None or not look.proposal.commands:
        return elsewhere.Known()
    return elsewhere.of_key(access.actor_of(request), look.row.key, now=clock.SYSTEM.now(), only=[elsewhere.LETTERS])


def _troubles(request: HttpRequest, look: Look) -> list[tuple[str, Fact]]:
    """What goes wrong where the repair would send something."""
    commands = look.proposal.commands if look.proposal is not None else ()
    topics = {each.topic for each in commands if isinstance(each, AppendEvent)}
    actor = access.actor_of(request)
    return [(topic, fact) for topic in sorted(topics) for fact in elsewhere.troubles(actor, [topic])]


def _changes(look: Look, names: tuple[str, str]) -> list[tuple[str, list[wording.Change]]]:
    """What the repair would change of each side."""
    if look.judged is None or look.proposal is None:
        return []
    now, after = look.judged.pair, look.proposal.after
    return [
        (names[0], wording.changes(plain(now.expected), plain(after.expected))),
        (names[1], wording.changes(plain(now.seen), plain(after.seen))),
    ]


def _rendered(request: HttpRequest, template: str, context: dict[str, Any], refused: Refused | None) -> HttpResponse:
    wanted = f"{template}#dialog" if fragment.asked_for(request) == "dialog" else template
    return render(request, wanted, context, status=refused.status if refused else 200)


def _copies(request: HttpRequest, look: Look, name: str) -> list[Copy]:
    if look.proposal is None:
        return []
    body = {"repair": name, "hash": look.proposal.hash, "reason": REASON}
    account = access.actor_of(request).account
    words = ("reconcile", "repair", str(look.row.id), name, "--reason", REASON, "--as", account, "--yes")
    return [
        curl(request, f"/findings/{look.row.id}/repairs", body),
        Copy(name="command line", text=spelled(*words)),
    ]
