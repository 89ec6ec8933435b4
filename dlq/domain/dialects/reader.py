"""Reads header fields in every encoding the dialects use, and collects what could not be read instead of failing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from reliability.kafka import group_names
from reliability.kafka.incoming import ATTEMPT_MAX
from reliability.kernel import text as texts
from reliability.kernel import wire

NAME_CHARS_MAX = 249  # Kafka's limit for a topic name; other short names are cut there too
TYPE_CHARS_MAX = 500
MESSAGE_CHARS_MAX = wire.ERROR_MESSAGE_BYTES_MAX
STACK_CHARS_MAX = wire.ERROR_STACK_BYTES_MAX

_PARTITION_MAX = 2**31 - 1
_OFFSET_MAX = 2**63 - 1
_DIGITS_MAX = 19
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT_MS_MAX = 253_402_300_799_999  # the end of year 9999, the last instant a datetime holds


class Reader:
    """The headers of one record, one value per name, and what was wrong with them."""

    def __init__(self, values: Mapping[str, bytes | None]) -> None:
        self._values = values
        self.errors: list[str] = []

    def has(self, name: str) -> bool:
        """Whether the header is there, even with a NULL value."""
        return name in self._values

    def name(self, header: str) -> str:
        """Return a topic or other short name without blanks around it; "" when there is none."""
        value = self._values.get(header)
        return _name_text(value[: NAME_CHARS_MAX * 4], NAME_CHARS_MAX).strip() if value else ""

    def group(self, header: str, *, prefix: str = "") -> str:
        """Return the name of a consumer group, ``prefix`` before what the header says; "" when there is none.

        A name that cannot be a group's counts as none: trimmed or cut it would be that of another group.
        """
        value = self._values.get(header)
        if not value:
            return ""
        limit = group_names.CHARS_MAX + 1
        name = prefix + _name_text(value[: limit * 4], limit)
        if wrong := group_names.trouble(name):
            self._complain(header, value, wrong)
            return ""
        return name

    def type(self, header: str) -> str:
        """Return the name of an exception type; "" when there is none."""
        value = self._values.get(header)
        return _name_text(value[: TYPE_CHARS_MAX * 4], TYPE_CHARS_MAX) if value else ""

    def message(self, header: str) -> str:
        """Return an error message; "" when there is none."""
        return texts.printable(self._values.get(header), limit=MESSAGE_CHARS_MAX)

    def stack(self, header: str) -> str:
        """Return a stack trace with plain line ends; "" when there is none."""
        value = self._values.get(header)
        return _stack_text(value[: STACK_CHARS_MAX * 4]) if value else ""

    def decimal(self, header: str, *, maximum: int = _OFFSET_MAX) -> int | None:
        """Return a number written as decimal digits, in ASCII."""
        value = self._values.get(header)
        if value is None:
            return None
        number = int(value) if value.isdigit() and len(value) <= _DIGITS_MAX else None
        if number is None or number > maximum:
            self._complain(header, value, "is not a decimal number that fits")
            return None
        return number

    def decimal_partition(self, header: str) -> int | None:
        """Return a partition written as decimal digits."""
        return self.decimal(header, maximum=_PARTITION_MAX)

    def int32(self, header: str) -> int | None:
        """Return a number of four bytes, big-endian, not negative."""
        return self._binary(header, sizes=(4,))

    def int64(self, header: str) -> int | None:
        """Return a number of eight bytes, big-endian, not negative."""
        return self._binary(header, sizes=(8,))

    def small_int(self, header: str) -> int | None:
        """Return a number of four bytes, or of one unsigned byte as older releases of Spring wrote it."""
        value = self._values.get(header)
        return value[0] if value is not None and len(value) == 1 else self.int32(header)

    def attempts(self, header: str, number: int | None) -> int | None:
        """Return the ``number`` read from a header if it can count attempts: replays count on from it."""
        if number is not None and number > ATTEMPT_MAX:
            self._complain(header, self._values.get(header) or b"", "is more attempts than there can be")
            return None
        return number

    def big_integer(self, header: str) -> int | None:
        """Return a Java BigInteger: signed, big-endian, of minimal length, so one to eight bytes here."""
        return self._binary(header, sizes=range(1, 9))

    def instant(self, header: str) -> datetime | None:
        """Return a point in time written as decimal milliseconds since 1970, or as ISO 8601 with a zone."""
        value = self._values.get(header)
        if value is None:
            return None
        found = instant_of(int(value)) if value.isdigit() and len(value) <= _DIGITS_MAX else _iso_instant(value)
        if found is None:
            self._complain(header, value, "is not a point in time")
        return found

    def _binary(self, header: str, *, sizes: Collection[int]) -> int | None:
        value = self._values.get(header)
        if value is None:
            return None
        if len(value) not in sizes:
            wanted = str(min(sizes)) if len(sizes) == 1 else f"{min(sizes)} to {max(sizes)}"
            self._complain(header, value, f"should have {wanted} bytes")
            return None
        number = int.from_bytes(value, "big", signed=True)
        if number < 0:
            self._complain(header, value, "is negative")
            return None
        return number

    def _complain(self, header: str, value: bytes, why: str) -> None:
        self.errors.append(f"{header} {why}, it has {len(value)} bytes")


def instant_of(epoch_ms: int | None) -> datetime | None:
    """Return the instant of ``epoch_ms`` milliseconds since 1970, ``None`` when no calendar holds it."""
    if epoch_ms is None or not 0 <= epoch_ms <= _INSTANT_MS_MAX:
        return None
    return _EPOCH + timedelta(milliseconds=epoch_ms)


def _iso_instant(value: bytes) -> datetime | None:
    try:
        found = datetime.fromisoformat(value.decode("ascii"))
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


# A flood repeats the same names and one stack ten thousand times: reading them once is most of what reading costs.
# What is kept is cut to what is shown before, so that no hostile header fills the memory.
@lru_cache(maxsize=2048)
def _name_text(value: bytes, limit: int) -> str:
    return texts.printable(value, limit=limit)


@lru_cache(maxsize=256)
def _stack_text(value: bytes) -> str:
    return texts.printable(value.replace(b"\r\n", b"\n"), limit=STACK_CHARS_MAX)
