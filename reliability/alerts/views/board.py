"""What is wrong now and who was told; what is muted, which rules there are, how the channels do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.alerts.domain import muting, packing, sentences
from reliability.alerts.domain.channels import TITLES
from reliability.alerts.models import Mute, Rule, Turn
from reliability.alerts.queries import channels, incidents, mutes, overview
from reliability.alerts.queries.channels import Doing
from reliability.alerts.queries.incidents import Look
from reliability.alerts.views import wording
from reliability.console.domain.conditions import WrongRule
from reliability.console.views.acts import told
from reliability.kernel import clock
from reliability.live import fragment

RECENT = 8
MUTES_SHOWN = 8
RULES_SHOWN = 12
"""More are folded away, one press below: what is wrong stays on the first screen."""
ACTS = ("acknowledge", "mute", "rule", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An incident as the table shows it."""

    look: Look
    shape: str
    word: str
    heard: str
    """Which channels took what there is to tell, or why none."""
    deaf: str
    """Which did not; "" when all did."""

    @property
    def told(self) -> str:
        """Return both, in one line."""
        return f"{self.heard}; {self.deaf}" if self.deaf else self.heard


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteRow:
    """A mute as the table shows it."""

    row: Mute
    covers: str
    title: str
    """Of the incident that it covers, where there is one to be seen and it is not over."""
    may_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """A rule as the page shows it."""

    row: Rule
    shape: str
    word: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRow:
    """A channel as the page shows it."""

    doing: Doing
    kind: str
    shape: str
    word: str


@require_safe
@access.requires("alerts.view")
@told
def page(request: HttpRequest) -> HttpResponse:
    """Everything that somebody on call wants to know of alerts."""
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    found = sorted(map(row_of, incidents.active(actor=actor)), key=lambda row: row.look.row.is_muted)  # loud ones first
    over = [row_of(look) for look in incidents.over(actor=actor, limit=RECENT).items]
    titles = {str(row.look.row.pk): row.look.title for row in found}
    muted = [mute_row(row, titles, actor=actor) for row in mutes.rows(now=now)]
    rules = sorted(
        (rule_row(row) for row in Rule.objects.order_by("name")),
        key=lambda rule: (not rule.row.unknown, not rule.row.is_on),
    )  # what is wrong with a rule is not folded away, and those that are off come last
    ways = [channel_row(each) for each in channels.doing()]
    turn = Turn.objects.first()
    late = [item for item in overview.attention(actor=actor, now=now) if item.id == "alerts:turn"]
    context: dict[str, Any] = {
        "title": "Alerts",
        "now": now,
        "rows": found,
        "over": over,
        "mutes": muted[:MUTES_SHOWN],
        "mutes_folded": muted[MUTES_SHOWN:],
        "rules": rules[:RULES_SHOWN],
        "rules_folded": rules[RULES_SHOWN:],
        "channels": ways,
        "turn": turn,
        "is_late": bool(late),
        "loud": sum(not row.look.row.is_muted for row in found),
        "muted": sum(row.look.row.is_muted for row in found),
        "worst": _worst(found),
        **{f"may_{act}": access.may(actor, f"alerts.{act}") for act in ACTS},
    }
    seen = [
        [(row.look.row.pk, row.word, row.look.title, row.look.count, row.told) for row in (*found, *over)],
        [(row.row.pk, row.row.until, row.title) for row in muted],
        [(row.row.name, row.row.version, row.word, row.row.unknown) for row in rules],
        [(row.doing.channel.name, row.word, row.doing.waiting, row.doing.sent, row.doing.failing) for row in ways],
        bool(late),
    ]
    return fragment.page(request, "alerts/board.html", context, regions={"alerts": seen})


def _worst(rows: Sequence[Row]) -> str:
    loud = [row for row in rows if not row.look.row.is_muted]
    if not loud:
        return "ok" if not rows else "paused"
    return "crit" if any(row.look.severity == "crit" for row in loud) else "warn"


def row_of(look: Look) -> Row:
    """Return an incident as it is shown."""
    shape, word = wording.state_of(look.row, look.severity)
    deaf = incidents.deaf(look.row) if look.row.told_to else ()
    without = f"not taken by {', '.join(deaf)}" if deaf else ""
    return Row(look=look, shape=shape, word=word, heard=_heard(look, deaf), deaf=without)


def _heard(look: Look, deaf: Sequence[str]) -> str:
    """A message that is written is not one that arrived: who relies on a channel has to see which."""
    row = look.row
    if row.told_to:
        return ", ".join(name for name in row.told_to if name not in deaf) or "nobody"
    if row.is_muted:
        return "nobody: it is muted"
    if row.resolved_at is not None:
        return "nobody"
    return "nobody yet" if channels.names() else "nobody: there is no channel"


def mute_row(
    row: Mute, titles: Mapping[str, str] = MappingProxyType({}), *, actor: access.Actor | None = None
) -> MuteRow:
    """Return a mute as it is shown. ``titles``: those of open incidents, by number; ``actor``: who may end it."""
    found = mutes.value(row)
    of_one = found.covers is muting.Covers.INCIDENT
    may_end = actor is not None and access.may(actor, "alerts.unmute")
    may_end = may_end and actor is not None and (of_one or actor.scopes.is_everything)
    return MuteRow(
        row=row, covers=sentences.of_mute(found), title=titles.get(row.of, "") if of_one else "", may_end=may_end
    )


def rule_row(row: Rule) -> RuleRow:
    """Return a rule as it is shown."""
    try:
        said = sentences.sentence(packing.rule_read(row.body))
    except WrongRule as error:
        return RuleRow(row=row, shape="crit", word="Unreadable", told=str(error))
    if not row.is_on:
        return RuleRow(row=row, shape="unknown", word="Off", told=said)
    if row.unknown:
        return RuleRow(row=row, shape="unknown", word="Knows nothing", told=said)
    return RuleRow(row=row, shape="ok", word="Watches", told=said)


def channel_row(doing: Doing) -> ChannelRow:
    """Return a channel as it is shown."""
    shape, word = ("ok", "Takes") if doing.sent_at is not None else ("unknown", "Never tried")
    if doing.waiting:
        shape, word = ("crit", "Not delivered") if doing.failing else ("prog", "On its way")
    return ChannelRow(doing=doing, kind=TITLES[doing.channel.kind], shape=shape, word=word)
