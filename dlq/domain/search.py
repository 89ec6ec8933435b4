"""What people type to find letters: a closed grammar, so that every search can be a link, a plan's scope, an API call.

    topic:orders error:Timeout -state:resolved age>2h header.tenant:acme json.order.id:17 key:cust-* "exact words"

Terms are joined by *and*; a comma joins values by *or*; ``-`` before a term means *not*; ``*`` stands for anything;
quotes keep spaces and colons together. Words without a field are looked for as parts of error, key and body (in no body
for those who see letters masked): ``ord-1`` also finds ``ord-17``, ``key:ord-1`` does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from dlq.domain import masking
from dlq.domain.classify import CAUSES
from reliability.kernel import text as texts
from reliability.kernel.errors import Refused

TEXT_CHARS_MAX = 1_000
TERMS_MAX = 20  # each may cost a pass over the letters
VALUES_MAX = 200

STATES = ("open", "replaying", "resolved", "discarded", "quarantined")
FIELDS: dict[str, str] = {
    "topic": "the topic the record first was in",
    "source": "the dead-letter topic it was read from",
    "group": "the consumer group that gave it up",
    "failure": "a failure group's number",
    "error": "a part of the error's type or message",
    "key": "the record's whole key; cust-* is every key that begins so",
    "header": "a header's value: header.tenant:acme",
    "json": "a value in a JSON body: json.order.id:17",
    "age": "how long ago it was stored: age>2h, age<30m",
    "state": ", ".join(STATES),
    "cause": ", ".join(CAUSES),
    "dialect": "who wrote its headers",
    "trace": "the trace id",
    "message": "the message id, the same through retries and replays",
}
WORDS = "words"
"""The field of a term that names none."""

_NAMED = frozenset({"header", "json"})
_CHOICES = {"state": STATES, "cause": CAUSES}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGE = re.compile(r"(\d{1,5})([smhdw])")
_TOKEN = re.compile(r'\s*((?:[^\s"]|"[^"]*"?)+)')
_TERM = re.compile(r"(?P<field>[a-z]+)(?:\.(?P<name>[^:<>\"]+|\"[^\"]*\"))?(?P<sign>[:<>])(?P<value>.*)", re.DOTALL)
_PLAIN = re.compile(r'[^\s",]+')  # needs no quotes as a value
_ID_DIGITS_MAX = 18


class BadSearch(Refused):
    """This is not a search we understand."""

    code = "bad-search"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One condition. ``values`` are alternatives; ``name`` is the header's name or the JSON path; for ``age`` the sign
    is ``<`` or ``>`` and the only value a whole number of seconds."""

    field: str
    values: tuple[str, ...]
    sign: str = ":"
    name: str = ""
    negated: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """The steps into a JSON body."""
        return tuple(self.name.split("."))

    @property
    def age(self) -> timedelta:
        """What an ``age`` term compares with."""
        return timedelta(seconds=int(self.values[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search and the text it was read from."""

    terms: tuple[Term, ...] = ()
    text: str = ""

    def names(self, field: str) -> bool:
        """Whether a term is about ``field``."""
        return any(term.field == field for term in self.terms)


EVERYTHING = Search()


def parse(text: str) -> Search:
    """Read a search; raises ``BadSearch`` with a sentence that says which term is wrong and what it may be."""
    text = text.strip()
    if len(text) > TEXT_CHARS_MAX:
        raise BadSearch(f"A search has at most {TEXT_CHARS_MAX} characters, this one {len(text)}.")
    if not texts.is_storable(text):
        raise BadSearch("A search cannot hold the character NUL or half a character.")
    typed = tokens(text)
    if len(typed) > TERMS_MAX:
        raise BadSearch(f"A search has at most {TERMS_MAX} terms, this one {len(typed)}.")
    return Search(terms=tuple(_term(token) for token in typed), text=text)


def keep_masked(search: Search) -> None:
    """Refuse what would tell those who see letters masked what stands behind the dots; raises ``BadSearch``.

    A whole value that is not secret by its look can only be found in a place that is not either. Parts of values would
    find out a secret letter by letter.
    """
    for term in search.terms:
        if term.field in _NAMED and any(map(masking.is_secret, (term.name, *term.path))):
            raise BadSearch(f'"{term.name}" is masked for your role, so it cannot be searched for.')
        if term.field in _NAMED and any("*" in value or value.startswith(("{", "[")) for value in term.values):
            raise BadSearch(f"Your role sees letters masked: {term.field} finds whole values only, without *.")
        if any(masking.masked_text(value) != value for value in term.values):
            raise BadSearch("What looks like a secret is masked for your role, so it cannot be searched for.")


def tokens(text: str) -> tuple[str, ...]:
    """Return the terms as typed, in order: one for each of ``parse(text).terms``."""
    return tuple(_TOKEN.findall(text.strip()))


def key_term(word: str) -> str:
    """Return the term that means the key ``word`` and no longer one."""
    return f"key:{word}" if _PLAIN.fullmatch(word) else f'key:"{word}"'


def _term(token: str) -> Term:
    negated = token.startswith("-") and len(token) > 1
    body = token[1:] if negated else token
    match = None if body.startswith('"') else _TERM.fullmatch(body)
    if match is None:
        return Term(field=WORDS, values=(_unquoted(body),), negated=negated)
    field, name, sign = match["field"], _unquoted(match["name"] or ""), match["sign"]
    _check(token, field, name, sign)
    values = _age(token, match["value"]) if field == "age" else _values(token, field, match["value"])
    return Term(field=field, name=name, sign=sign, values=values, negated=negated)


def _check(token: str, field: str, name: str, sign: str) -> None:
    if field not in FIELDS:
        raise BadSearch(f'There is no field "{field}": put {token!r} in quotes to look for it as it stands. {_known()}')
    if (field in _NAMED) != bool(name):
        raise BadSearch(f"{token!r}: {field} means {FIELDS[field]}.")
    if (sign != ":") != (field == "age"):
        raise BadSearch(f"{token!r}: only age is compared, with < or >, as in age>2h.")


def _age(token: str, value: str) -> tuple[str, ...]:
    match = _AGE.fullmatch(value)
    if match is None:
        raise BadSearch(f"{token!r}: an age is a number and s, m, h, d or w, as in age>2h.")
    return (str(int(timedelta(**{_UNITS[match[2]]: int(match[1])}).total_seconds())),)


def _values(token: str, field: str, text: str) -> tuple[str, ...]:
    """Split alternatives at commas; what is quoted is one value, commas and all."""
    parts = [_unquoted(text)] if text.startswith('"') else text.split(",")
    values = tuple(part for part in parts if part)
    if not values:
        raise BadSearch(f"{token!r}: what shall {field} be?")
    if len(values) > VALUES_MAX:
        raise BadSearch(f"{field} has at most {VALUES_MAX} alternatives, this one {len(values)}.")
    choices = _CHOICES.get(field)
    for value in values:
        if choices and value not in choices:
            raise BadSearch(f'There is no {field} "{value}": it is one of {", ".join(choices)}.')
        if field == "failure" and not (value.isascii() and value.isdigit() and len(value) <= _ID_DIGITS_MAX):
            raise BadSearch(f"{token!r}: a failure group is named by its number.")
    return values


def _unquoted(text: str) -> str:
    return text.replace('"', "")


def _known() -> str:
    return f"Fields are {', '.join(FIELDS)}."
