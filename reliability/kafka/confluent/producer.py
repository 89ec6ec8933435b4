"""The producer on librdkafka."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

from reliability.kafka import ports
from reliability.kafka.confluent import noise, settings, verdicts
from reliability.kernel.record import Header, Outgoing

_ANY_PARTITION = -1
_NOW = 0  # the client's word for "stamp it yourself"
_FATAL = frozenset({KafkaError._FATAL, KafkaError._FENCED, KafkaError._STATE})


class Producer:
    """See `ports.Producer`. One thread at a time, except `produce`, which the client guards itself."""

    def __init__(self, profile: settings.Settings, *, client_id: str, extra: settings.Settings | None = None) -> None:
        self._client = confluent_kafka.Producer(
            settings.producer(profile, client_id=client_id, settings=extra or {}),
            logger=noise.Throttled(client_id),
        )
        self._closed = False

    def produce(
        self,
        *,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
        partition: int | None = None,
        timestamp_ms: int | None = None,
        on_delivery: Callable[[ports.Delivery], None] | None = None,
    ) -> None:
        _refuse_unspeakable(topic, headers)
        try:
            self._client.produce(
                topic,
                value=value,
                key=key,
                partition=_ANY_PARTITION if partition is None else partition,
                timestamp=_NOW if timestamp_ms is None else timestamp_ms,
                headers=[*headers],
                on_delivery=None if on_delivery is None else _told(on_delivery),
            )
        except BufferError as error:
            raise ports.BufferFull(str(error)) from error
        except KafkaException as exception:
            error_told = verdicts.of(exception)
            if error_told.code() in _FATAL or error_told.fatal():
                raise ports.ClientBroken(error_told.str()) from exception
            raise ports.Rejected(verdicts.delivery_error(error_told)) from exception

    def produce_many(self, records: Sequence[Outgoing], *, start: int, on_answer: ports.OnAnswer) -> int:
        queue: Any = self._client.produce  # it declares headers as a list that may hold texts, and lists are invariant
        for place in range(start, len(records)):
            topic, partition, key, value, headers, timestamp_ms = records[place]
            told = partial(_answer, on_answer, place)
            try:
                queue(topic, value, key, partition, told, None, timestamp_ms or _NOW, headers)
            except (BufferError, KafkaException):
                return place
        return len(records)

    def poll(self, timeout_s: float = 0.0) -> int:
        try:
            return self._client.poll(timeout_s)
        except KafkaException as exception:
            _expect_fatal(exception)
            return 0

    def flush(self, timeout_s: float) -> int:
        try:
            return self._client.flush(timeout_s)
        except KafkaException as exception:
            _expect_fatal(exception)
            return len(self._client)

    def close(self, timeout_s: float = 10.0) -> int:
        if self._closed:
            return 0
        self._closed = True
        left = self.flush(timeout_s)
        if left:
            self._client.purge()
            self.flush(1.0)  # runs the callbacks of what was purged
        return left


def _refuse_unspeakable(topic: str, headers: Sequence[Header]) -> None:
    """Raise Rejected for names the client cannot say: it crashes on a lone surrogate and cuts a name at a NUL."""
    for name in (topic, *(name for name, _ in headers)):
        if "\0" in name or not (name.isascii() or _is_utf8(name)):
            message = f"{name!r} is not a name that the client can send: it has a NUL or is not UTF-8"
            raise ports.Rejected(ports.DeliveryError(code="_INVALID_ARG", message=message, permanent=True))


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _told(on_delivery: Callable[[ports.Delivery], None]) -> confluent_kafka.cimpl.DeliveryCallback:
    """The client's callback that tells ours."""

    def told(error: KafkaError | None, message: confluent_kafka.Message) -> None:
        on_delivery(
            ports.Delivery(
                topic=message.topic() or "",
                partition=_number(message.partition()),
                offset=-1 if error is not None else _number(message.offset()),
                error=None if error is None else verdicts.delivery_error(error),
            )
        )

    return told


def _answer(on_answer: ports.OnAnswer, place: int, error: KafkaError | None, message: confluent_kafka.Message) -> None:
    if error is None:
        on_answer(place, _number(message.offset()), None)
    else:
        on_answer(place, -1, verdicts.delivery_error(error))


def _expect_fatal(exception: KafkaException) -> None:
    """Raise what is not fatal. A fatal error comes out of poll or flush once; `produce` and the answers tell of it."""
    error = verdicts.of(exception)
    if not (error.fatal() or error.code() in _FATAL):
        raise exception


def _number(value: int | None) -> int:
    return -1 if value is None else value
