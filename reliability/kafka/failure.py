"""What a failure says in a dead letter: type, message, stack and cause, cut to the contract's limits."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from reliability.kernel import wire
from reliability.kernel.errors import Permanent, Transient

Cause = Literal["format", "business", "dependency", "bug", "resource", "unknown"]
"""`unknown` leaves it to the reader of the dead letter, who judges by the error's type and message."""

_CAUSES: dict[object, Cause] = {
    "format": "format",
    "business": "business",
    "dependency": "dependency",
    "bug": "bug",
    "resource": "resource",
}


class UnreadableHeaders(Permanent):
    """The record has a header whose name is not UTF-8, so none of its headers can be read."""

    cause = "format"


class KilledTheConsumer(Permanent):
    """Each time this record was handled, the process died before it had finished: it killed the consumer."""

    cause = "resource"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a record was not handled."""

    error_type: str
    message: str
    stack: str
    cause: Cause
    failed_at: datetime


def of(error: BaseException, *, failed_at: datetime) -> Failure:
    """Describe an exception. Its cause is its own word (a class attribute `cause`) when it has one, else by kind:
    what is transient blames a dependency, what nobody declared is a bug."""
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return Failure(
        error_type=f"{module}{kind.__qualname__}",
        message=_message(error),
        stack="".join(traceback.format_exception(error)),
        cause=_CAUSES.get(getattr(error, "cause", None)) or _cause_by_kind(error),
        failed_at=failed_at,
    )


def _cause_by_kind(error: BaseException) -> Cause:
    if isinstance(error, Transient):
        return "dependency"
    if isinstance(error, Permanent):
        return "unknown"
    return "bug"


def message_bytes(failure: Failure) -> bytes:
    """The message as its header carries it: its beginning."""
    return failure.message.encode(errors="backslashreplace")[: wire.ERROR_MESSAGE_BYTES_MAX]


def stack_bytes(failure: Failure) -> bytes:
    """The stack as its header carries it: its end, where the innermost frame and the error are."""
    return failure.stack.encode(errors="backslashreplace")[-wire.ERROR_STACK_BYTES_MAX :]


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as unprintable:  # noqa: BLE001 - an error whose own text fails must not stop its dead letter
        return f"(no message: {type(unprintable).__name__} while asking for it)"
