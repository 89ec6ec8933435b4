"""What every registrant owes the console; one test runs it over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from reliability import access
from reliability.console import related
from reliability.console.domain.values import STATUSES, Item, Tile, TimelineRow
from reliability.console.registry import Registry
from reliability.kernel.telemetry import names

SOME_ROWS = 5
NO_ID = "there is no thing of this id"
_READER = access.system_actor("contract")


def breaches(registry: Registry, *, now: datetime, pages: Iterable[str]) -> list[str]:
    """Ask every registrant once and return a sentence for each broken promise. ``pages`` are the slugs there are."""
    known = set(pages)
    return [
        *_of_panels(registry, known),
        *_of_attention(registry, known),
        *_of_timelines(registry, now),
        *_of_checks(registry),
        *_of_figures(registry),
        *_of_related(registry),
    ]


def _of_panels(registry: Registry, known: set[str]) -> Iterator[str]:
    for panel in registry.panels.values():
        yield from (f"panel {panel.slug}: {problem}" for problem in _of_tile(panel.tile(_READER)))
        if (panel.page or panel.slug) not in known:
            yield f"panel {panel.slug}: no page of that slug"


def _of_attention(registry: Registry, known: set[str]) -> Iterator[str]:
    for source in registry.attentions:
        items = list(source(_READER))
        yield from (f"item {item.id}: {problem}" for item in items for problem in _of_item(item, known))
        if len({item.id for item in items}) < len(items):
            yield f"{source.__module__}: two items with one id"


def _of_timelines(registry: Registry, now: datetime) -> Iterator[str]:
    for source in registry.timelines:
        rows = list(source(now - timedelta(days=1), SOME_ROWS))
        yield from (f"timeline {source.__module__}: {problem}" for row in rows for problem in _of_row(row))
        if len(rows) > SOME_ROWS:
            yield f"timeline {source.__module__}: gives more rows than asked for"
        if rows != sorted(rows, key=lambda row: row.at, reverse=True):
            yield f"timeline {source.__module__}: not newest first"


def _of_checks(registry: Registry) -> Iterator[str]:
    for check in registry.checks.values():
        result = check.run()
        if result.verdict != "ok" and not result.remedy:
            yield f"check {check.name}: {result.verdict} without a remedy"


def _of_figures(registry: Registry) -> Iterator[str]:
    for figure in (figure for source in registry.figures for figure in source()):
        if not figure.metric.read or names.ALL.get(figure.metric.name) is not figure.metric:
            yield f"figure {figure.metric.name}: not a read metric of names.py"
        if set(figure.labels) != set(figure.metric.labels):
            yield f"figure {figure.metric.name}: labels {sorted(figure.labels)}"


def _of_related(registry: Registry) -> Iterator[str]:
    for kind, sources in registry.related.items():
        if kind not in related.PAGES:
            yield f"related {kind}: there is no page of that kind"
        for source in sources.values():
            if source.act not in access.RIGHTS:
                yield f"related {source.name}: {source.act!r} is no right"
                continue
            for part in source.ask(_READER, NO_ID, related.WITHIN_S):
                yield f"related {source.name}: knows {part.title!r} of a thing that there is not"


def _of_tile(tile: Tile) -> Iterator[str]:
    yield from _status_and_time(tile.status, tile.at)
    if not tile.word or not tile.value:
        yield "no word or no value"
    if not tile.url.startswith("/"):
        yield f"url {tile.url!r}"


def _of_item(item: Item, known: set[str]) -> Iterator[str]:
    yield from _status_and_time(item.status, item.since)
    if item.room not in known:
        yield f"room {item.room!r} is no page"
    if not (item.id and item.title and item.word) or item.count < 1:
        yield "no id, title or word, or it stands for nothing"
    if not item.url.startswith("/"):
        yield f"url {item.url!r}"
    if bool(item.act_label) != bool(item.act_url):
        yield "an act needs a label and an address"


def _of_row(row: TimelineRow) -> Iterator[str]:
    yield from _status_and_time(row.status, row.at)
    if not row.text:
        yield "no text"
    if row.url and not row.url.startswith("/"):
        yield f"url {row.url!r}"


def _status_and_time(status: str, at: datetime | None) -> Iterator[str]:
    if status not in STATUSES:
        yield f"status {status!r}"
    if at is not None and at.utcoffset() is None:
        yield "a time without a zone"
