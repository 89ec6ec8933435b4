"""From a parsed search to a condition on letters. Every value is a parameter; no text of a search becomes SQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BinaryField, BooleanField, F, Func, JSONField, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.db.models.sql.compiler import SQLCompiler

from dlq.domain import masking
from dlq.domain.letter import KEY_TEXT_CHARS_MAX
from dlq.domain.search import WORDS, Search, Term, keep_masked
from reliability.kernel import text


def condition(search: Search, *, masked: bool = False) -> Q:
    """Return what a letter must fulfil; everything when the search is empty.

    ``masked``: for somebody who sees letters masked; raises ``BadSearch`` when the search would see through that.
    """
    if masked:
        keep_masked(search)
    conditions = _CONDITIONS | _MASKED if masked else _CONDITIONS
    wanted = Q()
    for term in search.terms:
        found = reduce(or_, (conditions[term.field](term, value) for value in term.values))
        wanted &= ~found if term.negated else found
    return wanted


def text_condition(column: str, value: str) -> Q:
    """Return that a text column equals ``value``, in which ``*`` stands for anything."""
    if "*" not in value:
        return Q(**{column: value})
    start = value.rstrip("*")
    if "*" not in start:
        # Said twice so that the planner may use an index that leaves empty texts out.
        return Q(**{f"{column}__startswith": start}) & ~Q(**{column: ""})
    parts = (re.escape(part) for part in re.split(r"\*+", value))
    return Q(**{f"{column}__regex": f"^{'.*'.join(parts)}$"})


def open_text(column: str, value: str) -> Q:
    """Return that a column holds ``value`` and nothing that is masked for some."""
    return Q(**{f"{column}__icontains": value}) & ~Q(**{f"{column}__iregex": masking.VEILED_TEXT})


class _Contains(Func):
    """Whether a byte string stands somewhere in another."""

    function = "position"
    template = "(%(function)s(%(expressions)s) > 0)"
    arg_joiner = " IN "
    output_field = BooleanField()


class _JsonOf(Func):
    function = "dlq_json"
    output_field = JSONField()


class _At(Func):
    """The text at a path of a JSON value; NULL when there is none."""

    template = "(%(expressions)s)"
    arg_joiner = " #>> "
    output_field = TextField()


class _Like(Func):
    template = "coalesce(%(expressions)s, false)"
    arg_joiner = " LIKE "
    output_field = BooleanField()


class _HeaderLike(Func):
    """Whether a header of that name has a value like that; a look for the name's bytes comes first, it is cheap."""

    output_field = BooleanField()

    def as_sql(self, compiler: SQLCompiler, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]  # narrower on purpose
        (headers, one), (name, two), (like, three) = map(compiler.compile, self.get_source_expressions())
        has_name = f"position({name} IN {headers}) > 0"
        has_value = f"EXISTS (SELECT 1 FROM dlq_header_values({headers}, {name}) AS found WHERE found LIKE {like})"  # noqa: S608 - the parts are compiled expressions, every value is a parameter
        return f"({has_name} AND {has_value})", [*two, *one, *one, *two, *three]


def _bytes(value: str) -> Value:
    return Value(value.encode(), output_field=BinaryField())


def _like(value: str) -> str:
    escaped = re.sub(r"([\\%_])", r"\\\1", value)
    return re.sub(r"\*+", "%", escaped)


def _holds(expression: Combinable) -> Q:
    return Q(expression)


def _header(term: Term, value: str) -> Q:
    return _holds(_HeaderLike(F("headers"), _bytes(term.name), _bytes(_like(value))))


def _json(term: Term, value: str) -> Q:
    path = Value(list(term.path), output_field=ArrayField(TextField()))
    return _holds(_Like(_At(_JsonOf(F("value")), path), Value(_like(value), output_field=TextField())))


def _key(term: Term, value: str) -> Q:
    return text_condition("key_text", text.printable(value, limit=KEY_TEXT_CHARS_MAX))


def _error(term: Term, value: str) -> Q:
    return Q(error_type__icontains=value) | Q(error_message__icontains=value)


def _age(term: Term, value: str) -> Q:
    edge = Now() - term.age
    return Q(stored_at__lt=edge) if term.sign == ">" else Q(stored_at__gt=edge)


def _words(term: Term, value: str) -> Q:
    # In order of what a look costs: PostgreSQL takes them as they come and ends at the first that holds.
    inside = Q(value__isnull=False) & _holds(_Contains(_bytes(value), F("value")))
    named = Q(message_id=value) | Q(trace_id=value)
    shown = Q(error_message__icontains=value) | Q(error_type__icontains=value) | Q(key_text__icontains=value)
    return inside | named | shown


def _masked_key(term: Term, value: str) -> Q:
    found = _key(term, value)
    return found & ~Q(key_text__iregex=masking.VEILED_TEXT) if "*" in value else found


def _masked_error(term: Term, value: str) -> Q:
    return Q(error_type__icontains=value) | open_text("error_message", value)


def _masked_words(term: Term, value: str) -> Q:
    named = Q(message_id=value) | Q(trace_id=value)
    return _masked_error(term, value) | open_text("key_text", value) | named


def _in(column: str) -> Callable[[Term, str], Q]:
    return lambda term, value: text_condition(column, value)


def _is(column: str) -> Callable[[Term, str], Q]:
    return lambda term, value: Q(**{column: value})


_CONDITIONS: dict[str, Callable[[Term, str], Q]] = {
    "topic": _in("origin_topic"),
    "source": _in("topic"),
    "group": _in("consumer_group"),
    "failure": _is("group_id"),
    "error": _error,
    "key": _key,
    "header": _header,
    "json": _json,
    "age": _age,
    "state": _is("state"),
    "cause": _is("cause"),
    "dialect": _is("dialect"),
    "trace": _is("trace_id"),
    "message": _is("message_id"),
    WORDS: _words,
}

_MASKED: dict[str, Callable[[Term, str], Q]] = {"key": _masked_key, "error": _masked_error, WORDS: _masked_words}
"""What somebody who sees letters masked searches by instead."""
