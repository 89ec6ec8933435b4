"""Notices what has happened to a group between two looks: verdicts, rebalances, that it is gone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from reliability.lag.domain import members, verdict
from reliability.lag.domain.summary import Summary, TopicSum
from reliability.lag.domain.values import Word
from reliability.lag.models.events import Kind
from reliability.lag.operations.group_rows import GroupState
from reliability.lag.operations.recording import Happened
from reliability.lag.polling.reading import Look
from reliability.lag.polling.remembering import Remembered

IN_MOTION = frozenset({"preparing_rebalance", "completing_rebalance", "assigning", "reconciling"})
"""States in which members change places, and describe themselves without partitions."""


def verdict_changes(name: str, group: Remembered, summary: Summary, now: datetime) -> list[Happened]:
    """A word that changed, told once it means something: measuring is no news."""
    if group.word is summary.word:
        return []
    was, group.word, group.word_since = group.word, summary.word, now
    told = {Word.UNKNOWN, None}
    if was in told and verdict.status_of(summary.word) in ("ok", "paused"):
        return []
    if summary.word is Word.UNKNOWN:
        return []
    status = verdict.status_of(summary.word)
    return [happened(name, now, Kind.VERDICT, status, f"{summary.word.value}: {summary.reason}")]


def rebalances(name: str, group: Remembered, look: Look, now: datetime) -> list[Happened]:
    """What changed between two descriptions of a group at rest; in between it describes members without partitions."""
    description = look.described.get(name)
    if not isinstance(description, ports.GroupDescription):
        return []
    before = group.description
    if description.state in IN_MOTION:
        group.unrest_s = group.unrest_s or look.at_s
        return []
    group.description = description
    if before is None:
        return []
    changes = members.diff(before.members, description.members)
    text = members.rebalance_text(changes)
    took_s = look.at_s - group.unrest_s if group.unrest_s else None
    group.unrest_s = None
    if not text:
        return []
    facts: dict[str, object] = {"members": len(description.members)}
    if took_s is not None:
        facts["took_s"] = round(took_s, 1)
    return [happened(name, now, Kind.REBALANCE, "prog", text, facts)]


def gone(name: str, group: Remembered, now: datetime) -> GroupState | None:
    """The last line about a group that a cluster lists no more; None when nothing was ever written of it."""
    if group.first_seen is None:
        return None
    summary = Summary(
        name=name,
        state="dead",
        protocol=group.description.protocol if group.description else "unknown",
        type="",
        assignor="",
        coordinator=-1,
        word=Word.DEAD,
        reason="the group is gone: it was deleted, or its commits expired",
        lag=None,
        lag_s=None,
        at_least=False,
        trend="",
        eta_s=None,
        loss_s=None,
        lost=0,
        expires_in_s=None,
        empty_since_s=None,
        rows=[],
        members=[],
        per_topic=_of_topics(group.places),
    )
    return GroupState(
        summary=summary, word_since=now, first_seen=group.first_seen, polled_at=now, window=b"", gone_at=now
    )


def _of_topics(places: Mapping[TopicPartition, int | None]) -> dict[str, TopicSum]:
    """Its topics stay known, so that who may not see them does not see that it is gone."""
    return {place.topic: TopicSum(None, None, False, Word.DEAD.value, 0, 0, 0) for place in places}


def happened(
    name: str, now: datetime, kind: Kind, status: str, text: str, facts: Mapping[str, object] | None = None
) -> Happened:
    return Happened(group=name, at=now, kind=kind.value, status=status, text=text, facts=facts or {})
