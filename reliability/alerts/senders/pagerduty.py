"""PagerDuty's Events API v2: trigger, acknowledge and resolve with one dedup key."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import orjson

from reliability.alerts.domain.answer import Answer
from reliability.alerts.domain.channels import Channel
from reliability.alerts.domain.message import Message
from reliability.alerts.domain.telling import Event
from reliability.alerts.senders.http import post

SUMMARY_CHARS_MAX: Final = 1_024
_ACTIONS: Final = {Event.ACKNOWLEDGE: "acknowledge", Event.RESOLVE: "resolve"}
_SEVERITIES: Final = {"crit": "critical", "warn": "warning"}


def send(channel: Channel, message: Message, number: str, now: datetime) -> Answer:
    """Send the event; a test triggers and says so, to be resolved there."""
    return post(channel, url=channel.url, body=orjson.dumps(event_of(channel, message)), headers={})


def event_of(channel: Channel, message: Message) -> dict[str, Any]:
    """Return the event as the API wants it."""
    action = _ACTIONS.get(message.event, "trigger")
    event: dict[str, Any] = {
        "routing_key": channel.routing_key,
        "event_action": action,
        "dedup_key": message.dedup_key[:255],
    }
    if action != "trigger":
        return event
    event["payload"] = {
        "summary": message.subject[:SUMMARY_CHARS_MAX],
        "source": f"mainstay {message.environment}".strip(),
        "severity": _SEVERITIES.get(message.severity, "warning") if message.event is not Event.TEST else "info",
        "timestamp": message.since,
        "class": message.rule,
        "custom_details": {
            "things": [f"{each.title}: {each.detail}" if each.detail else each.title for each in message.things],
            "count": message.count,
            "rule": message.rule,
        },
    }
    links = [(message.url, "Incident"), (message.runbook, "Runbook")]
    event["links"] = [{"href": href, "text": text} for href, text in links if href]
    event["client"] = "Mainstay"
    if message.url:
        event["client_url"] = message.url
    return event
