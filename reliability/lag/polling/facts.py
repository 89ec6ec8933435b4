"""What else is told of a group: rates, advice, unevenness, what could not be read."""

from __future__ import annotations

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from reliability.lag.domain import advisor, loss, members
from reliability.lag.polling.judging import Judged
from reliability.lag.polling.remembering import Remembered


def told(
    judged: Judged,
    group: Remembered,
    description: ports.GroupDescription | None,
    *,
    lag: int | None,
    forecast: loss.Forecast | None,
    retention_unknown: bool,
) -> dict[str, object]:
    """Return what a group's row carries besides its figures."""
    facts: dict[str, object] = {}
    rates = group.window.rates()
    if rates is not None:
        facts |= {"inflow_per_s": round(rates[0], 2), "consumed_per_s": round(rates[1], 2)}
    if judged.problem:
        facts["problem"] = judged.problem
    if retention_unknown:
        facts["retention_unknown"] = True
    if forecast is not None:
        facts |= {"loss_by": forecast.by, "loss_at_most": forecast.at_most}
    if description is None:
        return facts
    working = sum(1 for member in description.members if member.owns)
    speed = advisor.per_member(consumed_per_s=rates[1] if rates and lag else None, working=working)
    advice = advisor.advise(
        inflow_per_s=rates[0] if rates else None,
        per_member_per_s=speed,
        lag=lag,
        partitions=len(judged.rows),
        members=len(description.members),
    )
    skew = members.skew(description.members, {TopicPartition(row.topic, row.partition): row.lag for row in judged.rows})
    idle = members.idle(description.members)
    facts |= {"advice": advice.text, "idle": len(idle)}
    facts |= {
        name: round(value, 2) for name, value in (("skew", skew.owned), ("lag_skew", skew.lag)) if value is not None
    }
    return facts
