"""The filter of a list: what the address says, as a search and as chips that can be taken away."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict

from dlq.domain import search as grammar
from dlq.domain.search import BadSearch, Search

FIELDS = grammar.FIELDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One term; ``without`` is the address that lacks it."""

    field: str
    value: str
    without: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """A word of the filter as a key; ``url`` is the address that has it so."""

    term: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list is filtered by. ``error`` says why the text is no search; then nothing is listed.

    ``exact``: how to ask for the first word as a whole key, since words are looked for as parts.
    """

    text: str
    search: Search
    chips: list[Chip]
    error: str = ""
    exact: Exact | None = None


def read(request: HttpRequest) -> Filter:
    """Read ``q``, and ``add``: a term typed beside it."""
    text = " ".join(part for part in (request.GET.get("q", "").strip(), request.GET.get("add", "").strip()) if part)
    try:
        search = grammar.parse(text)
    except BadSearch as error:
        return Filter(text=text, search=grammar.EVERYTHING, chips=[], error=str(error))
    typed = grammar.tokens(text)
    chips = [_chip(request, typed, at) for at in range(len(typed))]
    return Filter(text=text, search=search, chips=chips, exact=_exact(request, typed, search))


def address(request: HttpRequest, text: str) -> str:
    """Return this page's query string with another filter, from its first page."""
    kept = MultiValueDict({name: request.GET.getlist(name) for name in ("empty",) if name in request.GET})
    pairs = [("q", text)] if text else []
    return "?" + urlencode([*pairs, *((name, value) for name in kept for value in kept.getlist(name))])


def _exact(request: HttpRequest, typed: tuple[str, ...], search: Search) -> Exact | None:
    for at, term in enumerate(search.terms):
        (word, *_) = term.values
        if term.field == grammar.WORDS and not term.negated and word and "*" not in word:  # in a key * is anything
            key = grammar.key_term(word)
            return Exact(term=key, url=address(request, " ".join([*typed[:at], key, *typed[at + 1 :]])))
    return None


def _chip(request: HttpRequest, typed: tuple[str, ...], at: int) -> Chip:
    token = typed[at]
    field, sign, value = token.partition(":")
    if not sign or token.startswith('"') or field.lstrip("-").split(".")[0] not in grammar.FIELDS:
        field, value = "", token
    rest = " ".join(typed[:at] + typed[at + 1 :])
    return Chip(field=field, value=value, without=address(request, rest))
