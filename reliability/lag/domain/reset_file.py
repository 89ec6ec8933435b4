"""Offsets out of a file: CSV as Kafka's own command writes it (topic,partition,offset), or a JSON list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from reliability.kernel.errors import Refused
from reliability.kernel.record import TopicPartition
from reliability.kernel.text import printable

ROWS_MAX = 100_000
CHARS_MAX = 32_000_000
ERRORS_MAX = 20
"""More errors than these are not looked for: a file that is wrong throughout is wrong once."""

_FIELDS = ("topic", "partition", "offset")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_PARTITION_MAX = 2**31 - 1
_OFFSET_MAX = 2**63 - 1
_SHOWN_CHARS = 40
_DIGITS_MAX = 19
_SPACE = re.compile(r"[ \t\r\n]*")

_Line = tuple[int, object]
"""A line's number and what is on it: three cells of text, or any JSON value."""


class BadFile(Refused):
    """These are no offsets to go on from."""

    code = "bad-file"
    status = 422

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


def parse_file(text: str) -> dict[TopicPartition, int]:
    """Return the offset of each partition that the file names.

    Raises ``BadFile`` with the first errors, each with its line, when there is any: a file is taken as a whole.
    """
    if len(text) > CHARS_MAX:
        raise BadFile([f"the file is larger than {CHARS_MAX:,} characters"])
    text = text.removeprefix("\ufeff")
    found: dict[TopicPartition, int] = {}
    lines: dict[TopicPartition, int] = {}
    errors: list[str] = []
    for line, row in _json(text) if text.lstrip().startswith(("[", "{")) else _csv(text):
        try:
            place, offset = _checked(row)
            if place in found:
                raise ValueError(f"{place.topic} {place.partition} is on line {lines[place]} already")
        except ValueError as error:
            errors.append(f"line {line}: {error}")
            if len(errors) == ERRORS_MAX:
                break
            continue
        found[place], lines[place] = offset, line
        if len(found) > ROWS_MAX:
            errors.append(f"line {line}: more than {ROWS_MAX:,} partitions")
            break
    if errors or not found:
        raise BadFile(errors or ["the file names no partition"])
    return found


def _csv(text: str) -> Iterator[_Line]:
    for number, line in enumerate(text.splitlines(), start=1):
        cells = tuple(cell.strip() for cell in line.split(","))
        if cells == ("",) or (number == 1 and tuple(cell.lower() for cell in cells) == _FIELDS):
            continue
        yield number, cells


def _json(text: str) -> Iterator[_Line]:
    """The items of a list, one after another, so that each has its line."""
    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    line, counted = 1, 0
    if text[at] != "[":
        raise BadFile(["line 1: a JSON file is a list: [{...}, {...}]"])
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        item, at = _item(decoder, text, at, line)
        yield line, item
        at = _skip(text, at)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            raise BadFile([f"line {line}: a comma or the end of the list is missing behind this item"])
    if text[at + 1 :].strip():
        raise BadFile([f"line {line + text.count(chr(10), counted, at)}: something follows the end of the list"])


def _item(decoder: json.JSONDecoder, text: str, at: int, line: int) -> tuple[object, int]:
    try:
        return decoder.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise BadFile([f"line {error.lineno}: this is not JSON: {error.msg}"]) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or a list in a list in a list
        raise BadFile([f"line {line}: this is not an offset"]) from None


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _checked(row: object) -> tuple[TopicPartition, int]:
    """Raises ``ValueError`` with what is wrong."""
    if isinstance(row, dict):
        if set(row) != set(_FIELDS):
            raise ValueError('an item is {"topic": ..., "partition": ..., "offset": ...}')
        row = tuple(row[name] for name in _FIELDS)
    elif not isinstance(row, tuple):
        raise ValueError('an item is {"topic": ..., "partition": ..., "offset": ...}')
    if len(row) != len(_FIELDS):
        raise ValueError(f"a line is topic,partition,offset; this one has {len(row)} values")
    topic, partition, offset = row
    if not isinstance(topic, str) or not _TOPIC.fullmatch(topic):
        raise ValueError(f"{_shown(topic)} is no name of a topic")
    place = TopicPartition(topic, _number(partition, "partition", _PARTITION_MAX))
    return place, _number(offset, "offset", _OFFSET_MAX)


def _number(value: object, what: str, highest: int) -> int:
    # Python would read "1_000" and digits of other scripts, too.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS_MAX:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= highest:
        raise ValueError(f"{_shown(value)} is no {what}")
    return value


def _shown(value: object) -> str:
    if isinstance(value, str):
        return repr(printable(value, limit=_SHOWN_CHARS))
    return "this" if isinstance(value, dict | list) or value is None else str(value)[:_SHOWN_CHARS]
