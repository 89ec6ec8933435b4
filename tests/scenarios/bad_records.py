"""Records that no healthy producer writes, and that somebody's producer did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reliability.kernel.record import Header
from tests.support.letters import headers as own_headers

SCRIPT: Final = '"><script src="//evil.example/x.js"></script><img src=x onerror="evil()">'
HTMX: Final = (
    "'\"><evil hx-get='/evil' hx-trigger=load hx-on::load='evil()' data-hx-post=/evil ws-connect=/evil></evil>"
)
HOSTILE: Final = (SCRIPT + HTMX + "{{ evil }}{% evil %}").encode()
NOT_UTF8: Final = b"\xff\xfe\x00\xc3\x28\xed\xa0\x80\x00"
BIDI: Final = "\u202egnp.evil\u202c\u2066\u200b\u0000\u0007\u001b[31m".encode()
MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """One record; ``name`` says what is bad about it."""

    name: str
    key: bytes | None = b"key"
    value: bytes | None = b'{"order": 1}'
    headers: tuple[Header, ...] = ()


def _own(name: str, **changes: str) -> Bad:
    return Bad(name=f"own headers, {name}", headers=own_headers(**changes))


def _spring(name: str, **changes: bytes | None) -> Bad:
    right: dict[str, bytes | None] = {
        "kafka_dlt-original-topic": b"h.orders",
        "kafka_dlt-original-partition": (0).to_bytes(4, "big"),
        "kafka_dlt-original-offset": (7).to_bytes(8, "big"),
        "kafka_dlt-original-timestamp": (1_795_000_000_000).to_bytes(8, "big"),
        "kafka_dlt-original-timestamp-type": b"CreateTime",
        "kafka_dlt-original-consumer-group": b"billing",
        "kafka_dlt-exception-fqcn": b"java.lang.IllegalStateException",
        "kafka_dlt-exception-message": b"no stock",
        "kafka_dlt-exception-stacktrace": b"shop.NoStock: none\n\tat shop.Stock.take(Stock.java:7)",
    }
    given = {**right, **{f"kafka_dlt-{name.replace('_', '-')}": value for name, value in changes.items()}}
    return Bad(name=f"Spring, {name}", headers=tuple(given.items()))


BAD: Final[tuple[Bad, ...]] = (
    Bad(name="NULL key and value", key=None, value=None),
    Bad(name="empty key and value", key=b"", value=b""),
    Bad(name="NULL key, no headers", key=None),
    Bad(name="tombstone of our own", value=None, headers=own_headers()),
    Bad(name="the same header thrice", headers=(("h", b"1"), ("h", b"2"), ("g", b""), ("h", None), ("", b"nameless"))),
    Bad(name="our headers twice", headers=(*own_headers(), *own_headers(origin_offset=9, group="other"))),
    Bad(name="not UTF-8, NUL", key=NOT_UTF8, value=NOT_UTF8, headers=(("h", NOT_UTF8), ("ünï", b"\0"))),
    Bad(name="only NUL", key=b"\0", value=b"\0" * 1000, headers=(("h", b"\0"),)),
    Bad(name="bidi and control characters", key=BIDI, value=BIDI, headers=((BIDI.decode().replace("\0", ""), BIDI),)),
    Bad(name="HTML everywhere", key=HOSTILE, value=HOSTILE, headers=((HOSTILE.decode(), HOSTILE),)),
    Bad(name="HTML in JSON", value=b'{"<evil hx-get=/evil>": "' + HOSTILE.replace(b'"', b'\\"') + b'"}'),
    Bad(name="a number no float holds", value=b'{"n": 12345678901234567890.12345678901234567890e400, "m": 1e999}'),
    Bad(name="JSON nested 20,000 deep", value=b"[" * 20_000 + b"]" * 20_000),
    Bad(name="JSON with 20,000 members", value=b"[" + b",".join([b'{"a":1}'] * 20_000) + b"]"),
    Bad(name="JSON with the same name twice", value=b'{"a": 1, "a": 2, "\\u0000": "\\ud800"}'),
    Bad(name="5,000 headers", headers=tuple((f"h{n}", b"x") for n in range(5_000))),
    Bad(name="a header of 1 MB", headers=(("h", b"x" * MEGABYTE), ("n" * 30_000, b""))),
    Bad(name="a value of 10 MB", value=b"\xff\x00<evil>" * (10 * MEGABYTE // 8)),
    Bad(name="a key of 1 MB", key=b"k" * MEGABYTE),
    _own("no numbers", origin_partition="one", origin_offset="-", attempts="NaN"),
    _own("numbers too large", origin_partition="4294967296", origin_offset="9" * 5_000, attempts="1" + "0" * 30),
    _own("negative numbers", origin_partition="-1", origin_offset="-9223372036854775809", attempts="-3"),
    _own("digits of other scripts", origin_offset="١٢٣", attempts="²"),
    _own("times that are none", first_failed_at="yesterday", failed_at="99999-01-01T00:00Z", origin_timestamp="1e9"),
    _own("times too early", first_failed_at="0001-01-01T00:00:00+14:00", failed_at="-1", origin_timestamp="-1"),
    _own("HTML in names", group=SCRIPT, error_type=HTMX, cause=SCRIPT, origin_topic=HTMX),
    _own("HTML in texts", error_message=SCRIPT, error_stack=HTMX, first_failed_at=SCRIPT),
    _own("names of nothing", origin_topic=" ", group="\t", error_type="\n"),
    _own("a group of 10,000 characters", group="g" * 10_000, error_type="E" * 10_000, origin_topic="t" * 10_000),
    _own("a stack of 1 MB", error_stack="  File \"x.py\", line 1, in f\n" * 40_000),
    _own("NUL", error_message="a\0b", error_stack="c\0d", group="g\0h"),
    _spring("as it should be"),
    _spring("partition of 3 bytes", original_partition=b"\0\0\1"),
    _spring("partition as text", original_partition=b"12"),
    _spring("offset of 9 bytes", original_offset=b"\0" * 9),
    _spring("negative offset", original_offset=b"\xff" * 8),
    _spring("empty numbers", original_partition=b"", original_offset=b"", original_timestamp=b""),
    _spring("NULL everywhere", **dict.fromkeys(("original_topic", "original_partition", "original_offset"))),
    _spring("a time in year 292,278,994", original_timestamp=b"\x7f" + b"\xff" * 7),
    _spring("text that is none", exception_message=NOT_UTF8, exception_stacktrace=NOT_UTF8, original_topic=NOT_UTF8),
    _spring("HTML", exception_message=HOSTILE, exception_stacktrace=HOSTILE, exception_fqcn=HOSTILE),
)  # fmt: skip

# Header names that are not UTF-8: the client gives no header of such a record at all.
UNREADABLE: Final[tuple[tuple[tuple[bytes, bytes | None], ...], ...]] = (
    ((b"\xff\xfe", b"value"), (b"good", b"value")),
    ((b"mainstay-dlq-group", b"billing"), (b"\xc3\x28", None)),
    ((b"\xed\xa0\x80\x00x", b""),),
)
