"""What a flag is: levels from 0, each with a name and the words for what users lose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reliability.kernel.errors import MainstayError
from reliability.kernel.text import is_storable

NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
LEVEL_NAME: Final = re.compile(r"[a-z][a-z0-9 _-]{0,39}")
LEVELS_MAX: Final = 20
WORDS_CHARS_MAX: Final = 300
NORMAL: Final = "normal"
NOTHING_LOST: Final = "Nothing is lost."


class WrongFlag(MainstayError):
    """A flag cannot be declared like this."""


class NoSuchLevel(MainstayError):
    """The flag has no such level."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level: a short name for people and clients, and the words for what users lose."""

    name: str
    loses: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A flag as code declares it. ``levels[0]`` is always the normal one, at which nothing is lost."""

    name: str
    title: str
    levels: tuple[Level, ...]
    default: int = 0

    @property
    def worst(self) -> int:
        """The number of the last level."""
        return len(self.levels) - 1

    def known(self, level: int) -> int:
        """Return the level, or the last one that is declared here, when other code has more of them."""
        return max(0, min(level, self.worst))

    def level_of(self, said: str) -> int:
        """Return the number of a level said as its number or its name; raises ``NoSuchLevel``."""
        text = said.strip()
        named = {level.name: at for at, level in enumerate(self.levels)}
        if text in named:
            return named[text]
        if text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= self.worst:
            return int(text)
        raise NoSuchLevel(f"{self.name} has no level {said[:40]!r}. It has {self.in_words}.")

    @property
    def in_words(self) -> str:
        """All levels, as a person reads them."""
        return ", ".join(f"{at} ({level.name})" for at, level in enumerate(self.levels))


def declared(name: str, *, title: object, levels: object, default: int = 0) -> Declaration:
    """Return a declaration: ``levels`` are those from 1 on, name to what users lose, the mildest first.

    Raises ``WrongFlag``, which says what to write instead.
    """
    if not NAME.fullmatch(name):
        raise WrongFlag(f"{name[:80]!r} is no name: small letters, digits, ., - and _, such as recommendations")
    if not (isinstance(title, str) and title.strip() and len(title) <= WORDS_CHARS_MAX and is_storable(title)):
        raise WrongFlag(f'{name}: title is what people call it, such as "Recommendations on product pages"')
    if not isinstance(levels, Mapping) or not 1 <= len(levels) <= LEVELS_MAX:
        raise WrongFlag(
            f"{name}: levels are 1 to {LEVELS_MAX} names with what users lose, the mildest first, such as "
            '{"popular": "Everybody sees what is popular.", "off": "No recommendations are shown."}'
        )
    for level, loses in levels.items():
        _check_level(name, level, loses)
    if type(default) is not int or not 0 <= default <= len(levels):
        raise WrongFlag(f"{name}: default is {default!r}; it is the number of a level, 0 to {len(levels)}")
    every = (Level(NORMAL, NOTHING_LOST), *(Level(level, loses) for level, loses in levels.items()))
    return Declaration(name=name, title=title.strip(), levels=every, default=default)


def _check_level(name: str, level: object, loses: object) -> None:
    if not isinstance(level, str) or not LEVEL_NAME.fullmatch(level) or level == NORMAL:
        raise WrongFlag(
            f"{name}: {level!r:.60} names no level: small letters, digits, spaces, - and _, at most 40; "
            f"{NORMAL!r} is level 0, which every flag has by itself"
        )
    if not isinstance(loses, str) or not loses.strip():
        raise WrongFlag(f"{name}: the level {level} says nothing of what users lose; write it as a sentence")
    if len(loses) > WORDS_CHARS_MAX or not is_storable(loses):
        raise WrongFlag(f"{name}: what users lose at {level} is at most {WORDS_CHARS_MAX} printable characters")
