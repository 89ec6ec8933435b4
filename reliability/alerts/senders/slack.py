"""An incoming webhook of Slack, or of what speaks like it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import orjson

from reliability.alerts.domain.answer import Answer
from reliability.alerts.domain.channels import Channel
from reliability.alerts.domain.message import Message
from reliability.alerts.senders.http import post

TEXT_CHARS_MAX: Final = 3_000
_MEANT: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def send(channel: Channel, message: Message, number: str, now: datetime) -> Answer:
    """Send it as text."""
    return post(channel, url=channel.url, body=orjson.dumps({"text": text_of(message)}), headers={})


def text_of(message: Message) -> str:
    """Return the text with nothing in it that Slack would take for a mention, a link or a format."""
    lines = [f"*{_literal(message.subject)}*", *(_literal(line) for line in message.lines)]
    return "\n".join(lines)[:TEXT_CHARS_MAX]


def _literal(text: str) -> str:
    """As it stands: what calls people or makes links is written out, marks of formats are held apart from words."""
    plain = "".join(_MEANT.get(each, each) for each in text)
    return "".join(f"{each}\u200b" if each in "*~`" else each for each in plain)
