"""Takes messages to the other side: claimed by one worker at a time, in order, at least once, until they are taken.

A worker that dies between sending and writing that down leaves its claim; when that ends the message is sent again
under the same number, and receivers that look at it take it once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from reliability import live
from reliability.alerts import senders
from reliability.alerts.domain import message, retrying
from reliability.alerts.domain.answer import Answer
from reliability.alerts.domain.channels import Channel, WrongChannel
from reliability.alerts.models import Delivery
from reliability.alerts.models.deliveries import State
from reliability.alerts.queries import channels
from reliability.kernel import clock, failpoint
from reliability.kernel.telemetry import metrics, names

log = structlog.get_logger(__name__)

CLAIM: Final = timedelta(seconds=90)
"""Longer than any try may take: looking up a name, connecting and each answer have their own limits."""
AT_A_TIME: Final = 50
"""Messages of a channel that one turn takes."""
Send = Callable[[Channel, message.Message, str, datetime], Answer]


def due_channels(*, now: datetime) -> list[str]:
    """Return the channels that have something to take now."""
    return list(_due(now).order_by("channel").values_list("channel", flat=True).distinct())


def deliver(
    channel: str,
    *,
    random: Callable[[], float],
    send: Send | None = None,
    time: clock.Clock = clock.SYSTEM,
    is_ending: Callable[[], bool] = lambda: False,
) -> int:
    """Take what is due to a channel, the oldest first; return how many were taken. The first failure ends it.

    ``is_ending``: this process is about to, and claims nothing that it could be killed over.

    What the next message would meet is not found out by trying: its channel fails for now.
    """
    taken = 0
    for _ in range(AT_A_TIME):
        row = _claimed(channel, now=time.now()) if not is_ending() else None
        if row is None:
            break
        failpoint.reach("alerts.claimed")
        answer = _sent(row, send or really, now=time.now())
        failpoint.reach("alerts.sent")
        settle(row, answer, now=time.now(), random=random)
        if not answer.is_taken:
            break
        taken += 1
    return taken


def really(channel: Channel, told: message.Message, number: str, now: datetime) -> Answer:
    """Send it over the channel's own way out."""
    return senders.send(channel, told, number=number, now=now)


def _due(now: datetime) -> QuerySet[Delivery]:
    """What may be taken now: nothing that somebody is sending, nothing before what comes first."""
    waits = Delivery.objects.filter(state=State.WAITING)
    earlier = waits.filter(incident=OuterRef("incident"), channel=OuterRef("channel"), id__lt=OuterRef("id"))
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return waits.filter(free, due_at__lte=now).exclude(Exists(earlier))


def _claimed(channel: str, *, now: datetime) -> Delivery | None:
    with transaction.atomic():
        found: Delivery | None = (
            _due(now).filter(channel=channel).select_for_update(skip_locked=True, of=("self",)).order_by("id").first()
        )
        if found is None:
            return None
        found.claimed_until, found.claim, found.attempts = now + CLAIM, found.claim + 1, found.attempts + 1
        found.save(update_fields=["claimed_until", "claim", "attempts"])
        return found


def _sent(row: Delivery, send: Send, *, now: datetime) -> Answer:
    try:
        channel = channels.one(row.channel)
    except (channels.NoSuchChannel, WrongChannel) as error:
        return Answer(is_taken=False, text=str(error), is_final=True)
    return send(channel, message.read(row.body), f"msg-{row.pk}", now)


def settle(row: Delivery, answer: Answer, *, now: datetime, random: Callable[[], float]) -> bool:
    """Write down what came of a try; False when somebody else has claimed the message meanwhile."""
    again = None
    if not answer.is_taken and not answer.is_final:
        again = retrying.next_try(
            attempts=row.attempts, created_at=row.created_at, now=now, asked_s=answer.retry_after_s, random=random
        )
    state = State.SENT if answer.is_taken else State.WAITING if again is not None else State.GIVEN_UP
    written = Delivery.objects.filter(pk=row.pk, claim=row.claim, state=State.WAITING).update(
        state=state,
        answer=answer.text,
        status=answer.status,
        claimed_until=None,
        due_at=again if again is not None else F("due_at"),
        done_at=None if state is State.WAITING else now,
    )
    metrics.inc(names.ALERT_DELIVERIES, channel=row.channel, outcome="taken" if answer.is_taken else str(state.value))
    if not answer.is_taken:
        log.warning("alert_not_delivered", channel=row.channel, delivery=row.pk, state=state.value, why=answer.text)
    live.changed("alerts")
    return bool(written)
