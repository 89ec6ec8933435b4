"""Records that no decent client sends: header names that are not UTF-8, or have a NUL in them.

The Python client takes names as text only, so this calls the C library that it brings along.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from pathlib import Path

import confluent_kafka

_PRODUCER = 0
_COPY = 0x2
_OK = 0
_END, _TOPIC, _PARTITION, _VALUE, _KEY, _FLAGS, _HEADERS = 0, 1, 3, 4, 5, 7, 10

RawHeader = tuple[bytes, bytes | None]


def produce(
    bootstrap_servers: str,
    *,
    topic: str,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[RawHeader],
    partition: int = 0,
) -> None:
    """Write one record and wait until the broker has it."""
    library = _library()
    handle = _handle(library, bootstrap_servers)
    try:
        error = library.rd_kafka_producev(
            ctypes.c_void_p(handle),
            _TOPIC, ctypes.c_char_p(topic.encode()),
            _PARTITION, ctypes.c_int32(partition),
            _VALUE, ctypes.c_char_p(value), ctypes.c_size_t(len(value or b"")),
            _KEY, ctypes.c_char_p(key), ctypes.c_size_t(len(key or b"")),
            _FLAGS, ctypes.c_int(_COPY),
            _HEADERS, ctypes.c_void_p(_headers(library, headers)),
            _END,
        )  # fmt: skip
        assert error == _OK, f"not queued: error {error}"
        assert library.rd_kafka_flush(ctypes.c_void_p(handle), 10_000) == _OK, "not delivered in 10 s"
    finally:
        library.rd_kafka_destroy(ctypes.c_void_p(handle))


def _handle(library: ctypes.CDLL, bootstrap_servers: str) -> int:
    settings = ctypes.c_void_p(library.rd_kafka_conf_new())
    text = ctypes.create_string_buffer(512)
    for name, value in (("bootstrap.servers", bootstrap_servers), ("acks", "all")):
        assert library.rd_kafka_conf_set(settings, name.encode(), value.encode(), text, len(text)) == _OK, text.value
    handle = library.rd_kafka_new(_PRODUCER, settings, text, len(text))
    assert handle, text.value
    return int(handle)


def _headers(library: ctypes.CDLL, headers: Sequence[RawHeader]) -> int:
    made = library.rd_kafka_headers_new(ctypes.c_size_t(len(headers)))
    for name, value in headers:
        size = ctypes.c_ssize_t(len(value or b""))
        error = library.rd_kafka_header_add(
            ctypes.c_void_p(made),
            ctypes.c_char_p(name),
            ctypes.c_ssize_t(len(name)),
            ctypes.c_char_p(value),
            size,
        )
        assert error == _OK
    return int(made)


@functools.cache
def _library() -> ctypes.CDLL:
    folder = Path(confluent_kafka.__file__).parent.with_suffix(".libs")
    path = next(folder.glob("librdkafka*.so*"))
    library = ctypes.CDLL(str(path))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_headers_new"):
        getattr(library, name).restype = ctypes.c_void_p
    library.rd_kafka_conf_set.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t,
    ]  # fmt: skip
    library.rd_kafka_new.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    return library
