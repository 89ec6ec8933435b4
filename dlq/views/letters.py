"""Letters one by one: a filtered list, a page of one, its bytes to take away."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from dlq import forms
from dlq.domain import masking, payload
from dlq.domain.search import WORDS, BadSearch
from dlq.models import Letter
from dlq.queries import letters as queries
from dlq.queries import storing
from dlq.queries.limits import TooSlow
from dlq.views import filters, panel, wording
from reliability import access
from reliability.console.views.acts import told
from reliability.kernel import clock
from reliability.live import fragment

PARTS = ("key", "value")


@require_safe
@access.requires("letters.view")
@told
def page(request: HttpRequest) -> HttpResponse:
    """A page of the letters that a filter fits, the newest first."""
    if "add" in request.GET:
        return redirect(request.path + filters.address(request, filters.read(request).text))
    actor, wanted = access.actor_of(request), filters.read(request)
    before, after = (forms.cursor_of(request.GET.get(name, "")) for name in ("before", "after"))
    found, error = None, wanted.error
    if not error:
        try:
            found = queries.page(actor=actor, search=wanted.search, before=before, after=after)
        except (BadSearch, TooSlow) as refused:
            error = str(refused)
    rows = [_row(letter, actor) for letter in found.rows] if found else []
    unread = storing.unread()
    context = {
        "title": "Letters",
        "now": clock.SYSTEM.now(),
        "wanted": wanted,
        "error": error,
        "unread": unread,
        "rows": rows,
        "count": found.count if found else None,
        "older": found.older if found else None,
        "newer": found.newer if found else None,
        "bodies_unread": wanted.search.names(WORDS) and queries.is_masked(actor),
        "first": before is None and after is None,
        "fields": filters.FIELDS,
    }
    missed = [each.cluster for each in unread]
    seen = [[(row["letter"].pk, row["letter"].state) for row in rows], error, str(context["count"]), missed]
    return fragment.page(request, "dlq/letters.html", context, regions={"letters": seen})


@require_safe
@access.requires("letters.view")
@told
def one(request: HttpRequest, letter_id: int) -> HttpResponse:
    """One letter on a page of its own."""
    letter = queries.one(actor=access.actor_of(request), letter_id=letter_id)
    shown = panel.context(request, letter, region="letter")
    context = {"title": f"Letter {letter.pk}", "now": clock.SYSTEM.now(), **shown}
    return fragment.page(request, "dlq/letter.html", context, regions={"letter": panel.seen(shown)})


@require_safe
@access.requires("letters.view")
@told
def raw(request: HttpRequest, letter_id: int, part: str) -> HttpResponse:
    """The exact bytes of key or value, as a file that no browser opens by itself."""
    if part not in PARTS:
        raise Http404
    actor = access.actor_of(request)
    letter = queries.one(actor=actor, letter_id=letter_id)
    content = getattr(letter, part)
    access.authorize(actor, "letters.replay", topics=[letter.origin_topic])  # nobody masks bytes
    if content is None:
        raise Http404
    response = HttpResponse(bytes(content), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="letter-{letter.pk}-{part}.bin"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "no-store"
    return response


def _row(letter: Letter, actor: access.Actor) -> dict[str, Any]:
    kind, word = wording.LETTER_WORDS[letter.state]
    mask = not queries.reveals(actor, letter.origin_topic)
    name = wording.name(letter)
    return {
        "letter": letter,
        "kind": kind,
        "word": word,
        "name": payload.masked(name) if mask else name,
        "message": masking.masked_text(letter.error_message) if mask else letter.error_message,
        "origin": wording.origin(letter),
        "everything": wording.everything(letter, mask=mask),
    }
