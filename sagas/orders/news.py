"""The shop's events: how one is told to the others, with the change that it belongs to or not at all."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

import outbox


def tell(topic: str, number: str, body: Mapping[str, object], *, event_type: str) -> None:
    """Tell what happened to an order, inside the caller's transaction; all events of an order have one key."""
    outbox.append(
        topic=topic,
        key=number.encode(),
        value=orjson.dumps(body),
        headers=[("content-type", b"application/json")],
        aggregate=("order", number),
        event_type=event_type,
    )
