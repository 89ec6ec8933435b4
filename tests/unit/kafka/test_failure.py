"""What an exception says in a dead letter."""

from __future__ import annotations

from datetime import UTC, datetime

from reliability.kafka import failure
from reliability.kernel import wire
from reliability.kernel.errors import Transient

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Unspeakable(Exception):
    """An error whose own text fails."""

    def __str__(self) -> str:
        raise ValueError


def test_the_stack_keeps_its_end_and_the_message_its_beginning() -> None:
    error = ValueError("start " + "ü" * 100_000)
    told = failure.of(error, failed_at=AT)
    assert failure.message_bytes(told).startswith(b"start ")
    assert len(failure.message_bytes(told)) == wire.ERROR_MESSAGE_BYTES_MAX
    assert len(failure.stack_bytes(told)) == wire.ERROR_STACK_BYTES_MAX


def test_a_cause_chain_is_in_the_stack() -> None:
    try:
        try:
            raise ConnectionError("refused")
        except ConnectionError as cause:
            raise Transient("the bank does not answer") from cause
    except Transient as error:
        told = failure.of(error, failed_at=AT)
    assert "ConnectionError: refused" in told.stack
    assert told.stack.rstrip().endswith("Transient: the bank does not answer")
    assert told.cause == "dependency"


def test_an_error_whose_text_fails_is_still_described() -> None:
    told = failure.of(Unspeakable(), failed_at=AT)
    assert told.message == "(no message: ValueError while asking for it)"
    assert told.error_type.endswith("Unspeakable")


def test_lone_surrogates_in_a_message_can_be_written() -> None:
    told = failure.of(ValueError("\ud800"), failed_at=AT)
    assert failure.message_bytes(told) == b"\\ud800"
    assert failure.stack_bytes(told)
