"""What may be declared, and what is said of what may not."""

from __future__ import annotations

from typing import Any

import pytest

from reliability.degradation.domain.flags import NoSuchLevel, WrongFlag, declared

LEVELS = {"popular": "Everybody sees what is popular.", "off": "No recommendations are shown."}


def test_levels_are_counted_from_the_normal_one() -> None:
    flag = declared("recommendations", title=" Recommendations ", levels=LEVELS, default=1)
    assert [level.name for level in flag.levels] == ["normal", "popular", "off"]
    assert flag.levels[0].loses == "Nothing is lost."
    assert (flag.title, flag.default, flag.worst) == ("Recommendations", 1, 2)
    assert [flag.known(level) for level in (-1, 0, 2, 9)] == [0, 0, 2, 2]
    assert [flag.level_of(said) for said in ("off", "0", " 2 ", "normal")] == [2, 0, 2, 0]


@pytest.mark.parametrize("said", ["3", "gone", "-1", "", "٣", "1.0", "9" * 50])
def test_a_level_that_is_none_is_answered_with_those_there_are(said: str) -> None:
    flag = declared("recommendations", title="Recommendations", levels=LEVELS)
    with pytest.raises(NoSuchLevel, match=r"0 \(normal\), 1 \(popular\), 2 \(off\)"):
        flag.level_of(said)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "Recommendations"}, "small letters"),
        ({"name": ""}, "small letters"),
        ({"title": " "}, "title is what people call it"),
        ({"title": "a\x00"}, "title is what people call it"),
        ({"levels": {}}, "1 to 20 names"),
        ({"levels": ["off"]}, "1 to 20 names"),
        ({"levels": {f"l{at}": "x" for at in range(21)}}, "1 to 20 names"),
        ({"levels": {"normal": "x"}}, "level 0"),
        ({"levels": {"OFF": "x"}}, "names no level"),
        ({"levels": {"off": " "}}, "what users lose"),
        ({"levels": {"off": "x" * 301}}, "at most 300"),
        ({"default": 3}, "0 to 2"),
        ({"default": True}, "0 to 2"),
        ({"default": -1}, "0 to 2"),
    ],
)
def test_what_cannot_be_declared_is_told_what_to_write(changes: dict[str, Any], says: str) -> None:
    name = changes.pop("name", "recommendations")
    with pytest.raises(WrongFlag, match=says):
        declared(name, **{"title": "Recommendations", "levels": LEVELS, **changes})
