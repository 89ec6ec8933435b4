"""One letter in five tabs: what the drawer and the letter's own page show. Only the open tab's work is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from dlq.domain import dialects, masking, payload, stack
from dlq.domain import headers as header_views
from dlq.models import Letter
from dlq.models.letters import State
from dlq.queries import discards as discard_queries
from dlq.queries import history
from dlq.queries import letters as queries
from dlq.views import progress, wording
from reliability import access
from reliability.kernel import wire
from reliability.kernel.record import Header

TABS = {"error": "Error", "payload": "Payload", "headers": "Headers", "history": "History", "trace": "Trace"}
FORMS = {"json": ("Tree", "Text", "Hex"), "text": ("Text", "Hex"), "binary": ("Hex",)}
STACK_LINES_MAX = 200
BESIDE_BYTES_MAX = 16 * 1024

Headers = Sequence[Header]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One tab; ``count`` is how many things are in it, 0 when that is not worth saying."""

    slug: str
    title: str
    here: bool
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A letter's standing, and which acts fit it. ``name``: its key, by which people know it, else its origin."""

    kind: str
    word: str
    name: str
    origin: str
    replayable: bool
    discardable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a stack; ``own`` is the one that names the failure."""

    text: str
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a letter."""

    at: datetime
    kind: str
    head: str
    text: str
    url: str = ""


def context(request: HttpRequest, letter: Letter, *, region: str) -> dict[str, Any]:
    """Return what the panel's templates need; ``region`` is the id that a tab replaces."""
    actor = access.actor_of(request)
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "error"
    kind, word = wording.LETTER_WORDS[letter.state]
    acts = access.may(actor, "letters.replay", topics=[letter.origin_topic])
    headers = [] if letter.headers_unreadable else wire.unpack_headers(bytes(letter.headers))
    free = letter.state in (State.OPEN, State.QUARANTINED) and letter.duplicate_of_id is None
    mask = not queries.reveals(actor, letter.origin_topic)
    origin = wording.origin(letter)
    shown: dict[str, Any] = {
        "letter": letter,
        "region": region,
        "shown": Shown(
            kind=kind,
            word=word,
            name=(payload.masked(letter.key_text) if mask else letter.key_text) or origin,
            origin=origin if letter.key_text else "",
            replayable=free,
            discardable=free,
        ),
        "tabs": [
            Tab(slug=slug, title=title, here=slug == tab, count=len(headers) if slug == "headers" else 0)
            for slug, title in TABS.items()
        ],
        "tab_template": f"dlq/_tab_{tab}.html",
        "acts": acts,
        "mask": mask,
        "actor": actor,
        "as": request.GET.get("as", ""),
    }
    return shown | _FILL[tab](letter, shown, headers)


def seen(shown: dict[str, Any]) -> object:
    """Return what decides whether the panel changed."""
    letter = shown["letter"]
    return [letter.pk, letter.state, letter.replay_count, shown["tab_template"], shown["as"], shown.get("history")]


def _error(letter: Letter, shown: dict[str, Any], headers: Headers) -> dict[str, Any]:
    key = None if letter.key is None else bytes(letter.key)
    return {
        "stack": _stack(letter, mask=shown["mask"]),
        "message": masking.masked_text(letter.error_message) if shown["mask"] else letter.error_message,
        "dialect": dialects.named(letter.dialect).TITLE if letter.dialect else "",
        "key_shown": payload.masked(letter.key_text) if shown["mask"] else letter.key_text,
        "everything": wording.everything(letter, mask=shown["mask"]),
        "key_kind": "null" if key is None else "empty" if key == b"" else "text",
        "duplicates": queries.duplicates_of(letter),
        "same_key": queries.same_key(letter),
        **_beside(letter, shown, headers),
    }


def _beside(letter: Letter, shown: dict[str, Any], headers: Headers) -> dict[str, Any]:
    """The payload where the error is what is looked at: a small one is shown, a large one is left to its own tab."""
    if letter.value_size > BESIDE_BYTES_MAX:
        return {"payload_left": True}
    return _payload(letter, {**shown, "as": ""}, headers)


def _payload(letter: Letter, shown: dict[str, Any], headers: Headers) -> dict[str, Any]:
    value = None if letter.value is None else bytes(letter.value)
    found = payload.view(value, mask=shown["mask"])
    forms = [
        form
        for form in FORMS.get(found.kind, ())
        if form == "Tree" or (form == "Text" and found.text) or (form == "Hex" and found.hex)
    ]
    chosen = shown["as"].capitalize()
    return {
        "payload": found,
        "forms": forms,
        "form": chosen if chosen in forms else forms[0] if forms else "",
        "tree": _rows(found.tree) if found.tree else [],
        "limit": payload.SHOWN_BYTES_MAX,
    }


def _headers(letter: Letter, shown: dict[str, Any], headers: Headers) -> dict[str, Any]:
    return {"headers": header_views.view(headers, dialect=letter.dialect, mask=shown["mask"])}


def _history(letter: Letter, shown: dict[str, Any], headers: Headers) -> dict[str, Any]:
    place = wording.place(letter.topic, letter.partition, letter.offset)
    events = [Event(at=letter.stored_at, kind="crit", head="Stored", text=f"from {place}")]
    if letter.first_failed_at and letter.first_failed_at != letter.failed_at:
        events.append(Event(at=letter.first_failed_at, kind="crit", head="Failed first", text=letter.error_type))
    if letter.failed_at:
        attempt = f", attempt {letter.attempt}" if letter.attempt else ""
        events.append(
            Event(at=letter.failed_at, kind="crit", head="Given up", text=f"{letter.consumer_group}{attempt}")
        )
    events += [
        _attempt(letter, attempt, mask=shown["mask"]) for attempt in history.of_letter(letter.pk, actor=shown["actor"])
    ]
    events += [
        Event(
            at=made.created_at,
            kind="person",
            head=f"Discard #{made.pk}",
            text=f"{made.actor}: “{made.reason}”" + (f", undone by {made.undone_by}" if made.undone_at else ""),
            url=reverse("dlq:discarded", args=[made.pk]),
        )
        for made in discard_queries.of_letter(letter.pk, actor=shown["actor"])
    ]
    events += [
        Event(
            at=other.stored_at,
            kind="warn",
            head=f"Letter {other.pk}",
            text=f"the same message, {wording.LETTER_WORDS[other.state][1].lower()}: {other.group.title}",
            url=reverse("dlq:letter", args=[other.pk]),
        )
        for other in (queries.same_message(letter) if letter.message_id else ())
    ]
    return {"history": sorted(events, key=lambda event: event.at, reverse=True)}


def _attempt(letter: Letter, attempt: history.Attempt, *, mask: bool) -> Event:
    kind, word = progress.ITEM_WORDS[attempt.item.state]
    item = attempt.item
    place = wording.place(item.sent_topic, item.sent_partition, item.sent_offset)
    where = f" to {place}" if item.sent_topic else ""
    who = "" if attempt.of_letter == letter.pk else f" (letter {attempt.of_letter})"
    then = f", became letter {attempt.new_letter}" if attempt.new_letter and attempt.new_letter != letter.pk else ""
    why = wording.error_of(item, mask=mask) or item.proof
    return Event(
        at=attempt.at,
        kind=kind,
        head=f"Replay #{attempt.replay_id}",
        text=f"{word}{where}{who}{then}" + (f": {why}" if why else ""),
        url=reverse("dlq:run", args=[attempt.replay_id]),
    )


def _trace(letter: Letter, shown: dict[str, Any], headers: Headers) -> dict[str, Any]:
    return {}


_FILL = {"error": _error, "payload": _payload, "headers": _headers, "history": _history, "trace": _trace}


def _stack(letter: Letter, *, mask: bool) -> list[Line]:
    said = masking.masked_text(letter.error_stack) if mask else letter.error_stack
    frame = stack.first_own_frame(letter.error_stack) if letter.error_stack else None
    lines = said.split("\n", STACK_LINES_MAX)[:STACK_LINES_MAX]
    own = next((at for at, line in enumerate(lines) if frame and _names(line, frame)), None)
    return [Line(text=line, own=at == own) for at, line in enumerate(lines) if line.strip()]


def _names(line: str, frame: stack.Frame) -> bool:
    """Whether a line is that frame's: it names the function where functions are named, not where they are called."""
    return frame.function in line and (frame.place.rpartition("/")[2].rpartition(".")[2] in line or "in " in line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A step through a JSON tree, in order: a branch opens and closes, a leaf stands alone."""

    step: str  # "open", "close" or "leaf"
    node: payload.Node | None
    last: bool
    bracket: str = ""
    deep: bool = False


def _rows(node: payload.Node, *, depth: int = 0, last: bool = True) -> list[Row]:
    """A flat walk: one loop in the template instead of one template inside another for each level."""
    if node.kind not in ("object", "array"):
        return [Row(step="leaf", node=node, last=last)]
    opening, closing = ("{", "}") if node.kind == "object" else ("[", "]")
    rows = [Row(step="open", node=node, last=last, bracket=opening, deep=depth > 3)]
    for at, child in enumerate(node.children):
        rows += _rows(child, depth=depth + 1, last=at == len(node.children) - 1 and not node.hidden)
    return [*rows, Row(step="close", node=node, last=last, bracket=closing)]
