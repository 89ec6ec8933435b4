"""The words and small pictures every page uses: times, numbers, states, sparklines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from django import template
from django.http import HttpRequest, QueryDict
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reliability import access
from reliability.console import related
from reliability.console.domain import sentences, times, wording
from reliability.console.domain.values import STATUSES
from reliability.kernel import clock, command_line, text
from reliability.kernel.telemetry import tracing

register = template.Library()
NEVER = "—"
FACT_CHARS_MAX = 200


class Act(Protocol):
    """What the words of an act are made of: an entry of the activity has it."""

    act: str
    target: str
    outcome: str
    facts: Mapping[str, object]


def _now(context: Context) -> datetime:
    now = context.get("now")
    return now if isinstance(now, datetime) else clock.SYSTEM.now()


def _times(context: Context) -> times.Times:
    known = getattr(context.get("shell"), "times", None)
    return known if isinstance(known, times.Times) else times.RELATIVE


@register.simple_tag(takes_context=True)
def age(context: Context, instant: datetime | None, *, read: bool = False) -> SafeString | str:
    """Show an instant as the person reads it: "6 min ago" or a time of day; the script keeps it growing.

    ``read`` marks when a figure was read: an answer that nothing changed makes it young again.
    """
    if instant is None:
        return NEVER
    now, known = _now(context), _times(context)
    text = wording.age((now - instant).total_seconds()) if known.mode == "relative" else known.moment(instant, now=now)
    return _time(instant, text, "read" if read else "age")


@register.simple_tag
def act_of(entry: Act) -> str:
    """Say what an entry of the activity is about, in the words of the timeline; its reason stands elsewhere."""
    on, title = entry.facts.get("on"), entry.facts.get("title")
    return sentences.sentence(act=entry.act, target=entry.target, outcome=entry.outcome, on=on, title=title)


@register.simple_tag(takes_context=True)
def lasting(context: Context, instant: datetime) -> SafeString:
    """Show for how long something goes on, in every mode: "for 6 min"; the script keeps it growing."""
    return _time(instant, f"for {wording.span((_now(context) - instant).total_seconds())}", "lasting")


@register.simple_tag(takes_context=True)
def fact(context: Context, value: str | datetime) -> SafeString | str:
    """Show the value of a fact: an instant as an age, a text with its middle cut out where it is long."""
    return age(context, value) if isinstance(value, datetime) else wording.middle_cut(value, FACT_CHARS_MAX)


@register.simple_tag(takes_context=True)
def moment(context: Context, instant: datetime | None) -> SafeString | str:
    """Show an instant as a time of day with its zone, whatever the mode."""
    if instant is None:
        return NEVER
    return _time(instant, _times(context).moment(instant, now=_now(context)), "moment")


@register.simple_tag(takes_context=True)
def clock_time(context: Context, instant: datetime) -> SafeString:
    """Show an instant as a time of day; the zone stands in the bar."""
    return _time(instant, _times(context).clock(instant, now=_now(context)), "clock")


def _time(instant: datetime, text: str, kind: str) -> SafeString:
    return format_html(
        '<time datetime="{}" data-as="{}" title="{}">{}</time>', iso(instant), kind, times.absolute(instant), text
    )


@register.simple_tag
def spans_leave() -> bool:
    """Whether a tracing system gets the spans of these processes."""
    return tracing.exports()


@register.simple_tag
def spelled(*words: str) -> str:
    """Return a command of ``manage.py`` as it is typed on the console's host."""
    return command_line.spelled(*words)


@register.simple_tag
def everything_url(kind: str, thing: str) -> str:
    """Return the address of the page with everything about a thing, "" for what can have none."""
    return related.url(kind, thing)


@register.filter
def iso(instant: datetime | None) -> str:
    """Return an instant as ISO 8601 in UTC with milliseconds."""
    if instant is None:
        return ""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@register.filter
def clock_utc(instant: datetime | None) -> str:
    """Return the time of day in UTC."""
    return f"{instant.astimezone(UTC):%H:%M:%S}" if instant else NEVER


@register.filter
def absolute(instant: datetime | None) -> str:
    """Return date and time in UTC."""
    return times.absolute(instant) if instant else NEVER


register.filter("number", wording.number)
register.filter("span", wording.span)
register.filter("size", wording.size)


@register.filter
def cut(text: str, limit: int) -> str:
    """Cut the middle out of an id."""
    return wording.middle_cut(str(text), limit)


@register.filter
def printable(value: object, limit: int) -> str:
    """Return what somebody typed with nothing invisible in it; None is nothing."""
    return text.printable(None if value is None else str(value), limit=limit)


@register.inclusion_tag("_components/status.html")
def status(kind: str, word: str, extra: str = "") -> dict[str, object]:
    """Show a state: shape, colour and word together; an unknown kind shows as unknown."""
    return {"kind": kind if kind in STATUSES else "unknown", "word": word, "extra": extra}


@register.inclusion_tag("_components/spark.html")
def spark(
    points: Sequence[float | None], label: str = "last 60 min", extra: str = "", *, unfinished: bool = False
) -> dict[str, object]:
    """Draw a sparkline; it is told to those who cannot see it by its lowest, highest and last value.

    ``unfinished``: the last value is of a minute that is not over: it is drawn dashed, for it will still grow.
    None is a gap: nobody looked then, and no line is drawn through it.
    """
    values = [point for point in points if point is not None]
    if len(values) < len(points):
        return _broken_spark(points, values, label, extra)
    values = values or [0.0]
    low, high, last = (wording.number(value) for value in (min(values), max(values), values[-1]))
    told = f"{label}: {low} to {high}, now {last}"
    line, rest = wording.spark_line(values), ""
    if unfinished:
        line, rest = wording.spark_parts(values)
        told = f"{label}: {low} to {high}; dashed: {last} so far in the minute that is not over"
    return {"line": line, "rest": rest, "area": wording.spark_area(line), "told": told, "extra": extra}


def _broken_spark(points: Sequence[float | None], known: Sequence[float], label: str, extra: str) -> dict[str, object]:
    line, area = wording.spark_broken(points)
    if known:
        low, high, last = (wording.number(value) for value in (min(known), max(known), known[-1]))
        told = f"{label}: {low} to {high}, last {last}; {len(points) - len(known)} of {len(points)} not known"
    else:
        told = f"{label}: not known"
    return {"line": line, "rest": "", "area": area, "told": told, "extra": extra}


@register.simple_tag
def plural(count: int, one: str, many: str = "") -> str:
    """Return a counted noun: "1 letter", "2,431 letters"."""
    return f"{wording.number(count)} {one if count == 1 else many or one + 's'}"


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: object) -> str:
    """Return this page's query string with some parameters replaced; an empty value removes one."""
    request = context.get("request")
    known = request.GET.copy() if isinstance(request, HttpRequest) else QueryDict(mutable=True)
    for internal in ("v", "_"):
        known.pop(internal, None)
    for name, value in changes.items():
        known.pop(name, None)
        if value not in (None, ""):
            known[name] = str(value)
    return f"?{known.urlencode()}" if known else "?"


@register.filter
def may(actor: object, act: str) -> bool:
    """Whether the actor's role includes an act, for showing its button; the operation checks again."""
    if not isinstance(actor, access.Actor):
        return False
    try:
        access.admit(actor, act)
    except access.Denied:
        return False
    return True


@register.filter
def of(known: Mapping[str, object], key: str) -> object:
    """Return the value of a key that is itself a variable, or nothing."""
    return known.get(key, "")
