"""A message as a handler gets it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from reliability.kernel.errors import Permanent
from reliability.kernel.record import Header, Record


class Malformed(Permanent):
    """The value is not what its topic promises."""

    cause = "format"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One record, to be handled in the transaction that is open.

    ``message_id`` is the same whatever topic brings it and however often. ``attempt`` is 1 when it is delivered for the
    first time; with each retry topic and each replay it goes on after the tries that were made before. ``topic`` is
    the one it was first sent to, even when it comes from a retry topic.
    """

    record: Record
    message_id: str
    attempt: int
    group: str
    topic: str

    @property
    def key(self) -> bytes | None:
        """The key's exact bytes."""
        return self.record.key

    @property
    def value(self) -> bytes | None:
        """The value's exact bytes; ``None`` is a tombstone."""
        return self.record.value

    @property
    def headers(self) -> tuple[Header, ...]:
        """All headers, in order."""
        return self.record.headers

    def json(self) -> Any:
        """Return the value read as JSON. Raises ``Malformed``, which makes it a dead letter, when it is none."""
        if self.value is None:
            raise Malformed("the value is NULL, not JSON")
        try:
            return json.loads(self.value)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"the value is not JSON: {error}") from error


def digest(consumer: str, message_id: str) -> bytes:
    """Return the key of the inbox row of a consumer and a message."""
    name = consumer.encode(errors="surrogatepass")
    text = message_id.encode(errors="surrogatepass")
    return hashlib.blake2b(len(name).to_bytes(4, "big") + name + text, digest_size=16).digest()
