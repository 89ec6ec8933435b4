"""Steps the alerts of groups after a look, and says what is to be written down and told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings

from reliability.console.domain import wording
from reliability.lag.domain import alerting, verdict
from reliability.lag.domain.alerting import Figures, Kind, Rule, State
from reliability.lag.domain.summary import Summary
from reliability.lag.domain.time_lag import TimeLag
from reliability.lag.domain.values import Word
from reliability.lag.models.events import Kind as EventKind
from reliability.lag.operations.recording import AlertState, Happened

TIME_LAG_S, ETA_S, LOSS_S = 300.0, 3_600.0, 6 * 3_600.0
CLEAR_AFTER_S = 30.0
RAISE_AFTER_S = 30.0
"""A verdict comes out of ten looks already, and a loss that is in sight waits for nobody: these are told at once."""


def rules() -> tuple[Rule, ...]:
    """Return the rules of this deployment, the same for every group."""
    return (
        Rule(kind=Kind.VERDICT, words=verdict.ERRORS, clear_after_s=CLEAR_AFTER_S),
        Rule(
            kind=Kind.TIME_LAG,
            limit_s=getattr(settings, "LAG_ALERT_TIME_LAG_S", TIME_LAG_S),
            raise_after_s=RAISE_AFTER_S,
            clear_after_s=CLEAR_AFTER_S,
        ),
        Rule(
            kind=Kind.ETA,
            limit_s=getattr(settings, "LAG_ALERT_ETA_S", ETA_S),
            raise_after_s=2 * RAISE_AFTER_S,
            clear_after_s=CLEAR_AFTER_S,
        ),
        Rule(kind=Kind.LOSS, limit_s=getattr(settings, "LAG_ALERT_LOSS_S", LOSS_S), clear_after_s=CLEAR_AFTER_S),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a look changed in a group's alerts."""

    states: list[AlertState]
    happened: list[Happened]


def step(
    summary: Summary, known: dict[Kind, State], *, given: Sequence[Rule], muted_until_s: float, at_s: float
) -> Told:
    """Step a group's alerts; ``known`` is brought up to date."""
    figures = _figures(summary)
    told = Told(states=[], happened=[])
    for rule in given:
        before = known.get(rule.kind, State())
        after, event = alerting.step(
            alerting.mute(before, until_s=muted_until_s), alerting.holds(rule, figures), rule=rule, now_s=at_s
        )
        if after == before:
            continue
        known[rule.kind] = after
        text = _text(rule, summary)
        if (after.phase, after.told) != (before.phase, before.told):
            told.states.append(
                AlertState(
                    group=summary.name,
                    kind=rule.kind.value,
                    phase=after.phase.value,
                    since=_moment(after.since_s),
                    told=after.told,
                    text=text,
                )
            )
        if event is not None:
            raised = event is alerting.Event.RAISED
            told.happened.append(
                Happened(
                    group=summary.name,
                    at=_moment(at_s),
                    kind=EventKind.ALERT.value,
                    status="crit" if raised else "ok",
                    text=f"Alert: {text}" if raised else f"Alert over: {_subject(rule)}",
                    facts={"rule": rule.kind.value},
                )
            )
    return told


def _figures(summary: Summary) -> Figures:
    behind = None if summary.lag_s is None else TimeLag(summary.lag_s, at_least=summary.at_least)
    return Figures(
        word=summary.word,
        time_lag=behind,
        eta_s=_eta(summary),
        loss_s=_loss(summary),
    )


def _loss(summary: Summary) -> float | None:
    if summary.loss_s is not None:
        return summary.loss_s
    is_known = summary.lag is not None and not summary.untold and not summary.facts.get("retention_unknown")
    return math.inf if is_known else None


def _eta(summary: Summary) -> float | None:
    """Never, while the lag of a group in trouble grows; nothing to wait for, while it gets on; else not known.

    A lag that creeps up between two commits is none, whatever its trend: the verdict looks closer.
    """
    if summary.eta_s is not None:
        return summary.eta_s
    if summary.untold:
        return None
    growing = summary.trend == "growing"
    if summary.word in (Word.OK, Word.EMPTY):
        return None if growing else 0.0
    return math.inf if growing and summary.word in (Word.WARN, Word.STALL, Word.STOP) else None


def _text(rule: Rule, summary: Summary) -> str:
    match rule.kind:
        case Kind.VERDICT:
            return f"{summary.word.value}: {summary.reason}"
        case Kind.TIME_LAG:
            return f"more than {wording.span(rule.limit_s)} behind"
        case Kind.ETA:
            return f"it takes more than {wording.span(rule.limit_s)} to catch up"
        case Kind.LOSS:
            return f"records will be deleted unread within {wording.span(rule.limit_s)}"


def _subject(rule: Rule) -> str:
    words: Mapping[Kind, str] = {
        Kind.VERDICT: "its verdict",
        Kind.TIME_LAG: "how far it is behind",
        Kind.ETA: "when it catches up",
        Kind.LOSS: "the loss of records",
    }
    return words[rule.kind]


def _moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
