"""Which names of consumer groups may be used: names come out of records, and not every one is safe to ask about."""

from __future__ import annotations

from reliability.kernel import text

CHARS_MAX = 249
"""The longest name that we keep: as long as a topic's, short enough for every index."""

BLANKS = "".join(character for character in map(chr, range(0x3001)) if character.isspace())
"""Every character that ``str.strip`` takes off, for databases, whose own idea of white space differs."""


def unaskable(name: str) -> str:
    """Return why no client may be given the name, in words that follow it; "" when it may.

    librdkafka trims a name and reads it up to a NUL: the client would ask about another group, and one whose group's
    name is empty then ends the whole process, as does one whose name is no UTF-8.
    """
    if not name.strip():
        return "is no name: it is empty or blank"
    if name != name.strip():
        return "begins or ends with white space"
    return "" if text.is_storable(name) else "has a NUL or half a character in it"


def trouble(name: str) -> str:
    """Return why a name cannot be that of a consumer group here, in words that follow it; "" when it can."""
    if len(name) > CHARS_MAX:
        return f"has more than {CHARS_MAX} characters"
    return unaskable(name)
