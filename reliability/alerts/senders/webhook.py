"""A POST signed as Standard Webhooks has it (version 1), so that a receiver can check it with a library.

Source: the specification of Standard Webhooks, 1.0.0: the base64 of HMAC-SHA256 over "id.timestamp.body".
"""

from __future__ import annotations

import base64
import binascii
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
"""Before a secret that is written in base64, as the specification wants them to be."""


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
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            return secret.encode()
    return secret.encode()
