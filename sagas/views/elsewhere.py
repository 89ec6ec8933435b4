"""What other pages know of a key and still needs a person: read before one decides about its saga or finding."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from reliability import access
from reliability.console import queries, related
from reliability.console.domain.values import Fact, Part, Section, Subject, TimelineRow

FINDINGS: Final = "Findings"
LETTERS: Final = "Dead letters"
EVENTS: Final = "Events"
WITHIN_S: Final = 0.5  # a page of its own does not wait long for others
TROUBLE_WITHIN: Final = timedelta(minutes=15)
FACTS_MAX: Final = 3
_DONE: Final = ("ok", "paused")


@dataclass(frozen=True, slots=True)
class Known:
    """What is open elsewhere: sections with their open parts, and those that did not answer."""

    sections: tuple[Section, ...] = ()

    @property
    def lines(self) -> list[tuple[str, Part]]:
        """Each part with the name of its section."""
        return [(section.name, part) for section in self.sections for part in _open(section)]

    def happened(self, section: str, *, since: datetime) -> list[TimelineRow]:
        """Return what a section tells from then on, the newest first."""
        parts = (part for each in self.sections if each.name == section for part in each.parts)
        rows = (row for part in parts for row in part.happened if row.at >= since)
        return sorted(rows, key=lambda row: row.at, reverse=True)

    @property
    def unread(self) -> list[str]:
        """What is to be said of sections without an answer."""
        return [section.error for section in self.sections if not section.is_answered]

    @property
    def finding(self) -> Part | None:
        """A difference between two systems that both were asked about: better founded than a guess."""
        return next((part for name, part in self.lines if name == FINDINGS), None)


def of_key(actor: access.Actor, key: str, *, now: datetime, only: Collection[str] = (FINDINGS, LETTERS)) -> Known:
    """Return what is open elsewhere under the same key, as the actor may see it, in the sections ``only``."""
    if not related.url("order", key):
        return Known()
    found = related.everything(actor=actor, kind="order", thing=key, now=now, only=only, within_s=WITHIN_S)
    return Known(found.sections)


def troubles(actor: access.Actor, topics: Collection[str]) -> list[Fact]:
    """Return what goes wrong with these topics of late, the worst first: more sent there may end like that too."""
    subjects = [Subject(kind="topic", name=topic) for topic in sorted(topics)]
    found = queries.facts_about(subjects, window=TROUBLE_WITHIN, actor=actor)
    return [fact for fact in found.facts if fact.severity in ("warn", "crit")][:FACTS_MAX]


def _open(section: Section) -> list[Part]:
    return [part for part in section.parts if part.status not in _DONE]
