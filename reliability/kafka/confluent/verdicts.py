"""What librdkafka's errors mean in the words of the ports."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from confluent_kafka import KafkaError, KafkaException

from reliability.kafka import ports, troubles

# Sending the same bytes to the same place again gives the same answer until somebody changes something.
_PERMANENT = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.UNSUPPORTED_FOR_MESSAGE_FORMAT,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.POLICY_VIOLATION,
        KafkaError.INVALID_PARTITIONS,
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError.INVALID_CONFIG,
        KafkaError.INVALID_REQUEST,
        KafkaError._INVALID_ARG,
    }
)
_UNSUPPORTED = frozenset({KafkaError.UNSUPPORTED_VERSION, KafkaError._UNSUPPORTED_FEATURE})
_MISSING = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._NOENT})


def delivery_error(error: KafkaError) -> ports.DeliveryError:
    """Why a record or an order was refused, and whether for good."""
    permanent = error.code() in _PERMANENT
    return ports.DeliveryError(code=error.name(), message=error.str(), permanent=permanent)


def partition_error(kind: str, error: KafkaError, topic: str | None, partition: int | None) -> ports.PartitionError:
    """An error of one partition, or of the whole client when `topic` is None."""
    return ports.PartitionError(
        kind=kind,
        topic=topic or "",
        partition=-1 if partition is None else partition,
        code=error.name(),
        message=troubles.told(error.str()) if topic is None else error.str(),
    )


def of(exception: KafkaException) -> KafkaError:
    """The error inside an exception of the client."""
    error = exception.args[0]
    if isinstance(error, KafkaError):
        return error
    return KafkaError(KafkaError._FAIL, str(error))


def is_missing(error: KafkaError) -> bool:
    """Whether the error says that the topic or partition does not exist."""
    return error.code() in _MISSING


def is_own(exception: BaseException | None) -> bool:
    """Whether it is the client that says so, because nobody answered it."""
    if isinstance(exception, KafkaException):
        return of(exception).name().startswith("_")
    return isinstance(exception, TimeoutError)


@contextlib.contextmanager
def answered(what: str) -> Iterator[None]:
    """Turn the client's exceptions out of a question or order into Unavailable or Unsupported."""
    try:
        yield
    except KafkaException as exception:
        error = of(exception)
        if error.code() in _UNSUPPORTED:
            raise ports.Unsupported(f"{what}: {error.str()}") from exception
        raise ports.Unavailable(f"{what}: {error.name()}: {error.str()}") from exception
    except TimeoutError as exception:
        raise ports.Unavailable(f"{what}: no answer in time") from exception
