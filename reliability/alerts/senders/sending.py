"""Sends one message over one channel; whatever happens on the way is an answer, never an error."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime
from typing import Final

import httpx
import structlog

from reliability.alerts.domain.answer import TEXT_CHARS_MAX, Answer
from reliability.alerts.domain.channels import Channel
from reliability.alerts.domain.message import Message
from reliability.alerts.senders import apprised, guard, mail, pagerduty, slack, webhook
from reliability.kernel.text import printable

log = structlog.get_logger(__name__)

Sender = Callable[[Channel, Message, str, datetime], Answer]
SENDERS: Final[dict[str, Sender]] = {
    "webhook": webhook.send,
    "pagerduty": pagerduty.send,
    "slack": slack.send,
    "email": mail.send,
    "apprise": apprised.send,
}


def send(channel: Channel, message: Message, *, number: str, now: datetime) -> Answer:
    """Send it, only to addresses that the channel may lead to. ``number`` is the message's own, the same each try."""
    with guard.watched(channel.allow, seconds=channel.timeout_s) as watch:
        answer = _tried(channel, message, number, now)
    if answer.is_taken:
        return answer
    if watch.refused:
        return Answer(is_taken=False, text=f"was not sent: {watch.refused}")
    if watch.is_over:
        return Answer(is_taken=False, text=f"no whole answer within {channel.timeout_s:g} s")
    return answer


def _tried(channel: Channel, message: Message, number: str, now: datetime) -> Answer:
    try:
        return SENDERS[channel.kind](channel, message, number, now)
    except (httpx.TimeoutException, TimeoutError):
        return Answer(is_taken=False, text=f"no answer within {channel.timeout_s:g} s")
    except (httpx.HTTPError, httpx.InvalidURL, smtplib.SMTPException, ssl.SSLError, OSError) as error:
        return Answer(is_taken=False, text=_told(error, channel))
    except Exception as error:  # the edge to other people's libraries: told, and tried again
        log.exception("alert_sender_failed", channel=channel.name, kind=channel.kind)
        return Answer(is_taken=False, text=_told(error, channel))


def _told(error: BaseException, channel: Channel) -> str:
    """What went wrong, without the address: that may be the secret."""
    text = str(error)
    for secret in (channel.url, channel.secret, channel.routing_key, channel.password):
        if secret:
            text = text.replace(secret, "…")
    text = printable(text, limit=TEXT_CHARS_MAX)  # after that: a cut secret is not found
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
