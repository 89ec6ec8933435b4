"""A POST signed as Standard Webhooks has it (version 1), so that a receiver can check it with a library.

Source: the specification of Standard Webhooks, 1.0.0: the base64 of HMAC-SHA256 over "id.timestamp.body".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Final

import orjson

from reliability.alerts.domain import message as messages
from reliability.alerts.domain.answer import Answer
from reliability.alerts.domain.channels import Channel
from reliability.alerts.domain.message import Message
from reliability.alerts.senders.http import post

PREFIX: Final = "whsec_"
"""Before a secret; what follows is base64, as the specification wants it (the settings refuse another)."""


def send(channel: Channel, message: Message, number: str, now: datetime) -> Answer:
    """Send the message as JSON. ``webhook-id`` is the same for each try, so that a receiver takes it once."""
    body = orjson.dumps(messages.as_json(message))
    stamp = str(int(now.timestamp()))
    headers = {
        "webhook-id": number,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature(channel.secret, number, stamp, body)}",
    }
    return post(channel, url=channel.url, body=body, headers=headers)


def signature(secret: str, number: str, stamp: str, body: bytes) -> str:
    """Return the signature of a body, in base64."""
    signed = b".".join((number.encode(), stamp.encode(), body))
    return base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
