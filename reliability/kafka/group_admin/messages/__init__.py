"""The one message of Kafka's protocol that kafka-python lacks: members of groups of the new protocol (KIP-848)."""

from __future__ import annotations

from kafka.protocol.api_message import ApiMessage


class ConsumerGroupDescribeRequest(ApiMessage, load_json=__package__):  # type: ignore[misc, call-arg]  # the library is untyped
    """Ask one coordinator for many groups at once."""


class ConsumerGroupDescribeResponse(ApiMessage, load_json=__package__):  # type: ignore[misc, call-arg]  # the library is untyped
    """Each group with its members, what they own and what they are about to own."""
