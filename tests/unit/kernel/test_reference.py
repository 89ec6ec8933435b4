"""The reference of settings is that of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reliability.environment import Environment, reference

ROOT = Path(__file__).parents[3]


def test_every_setting_says_what_it_is() -> None:
    assert reference.undocumented() == []


def test_the_document_is_current() -> None:
    path = ROOT / "deploy" / "settings.md"
    told = "made anew by: .venv/bin/python -m reliability.environment > deploy/settings.md"
    assert path.read_text(encoding="utf-8") == reference.markdown(), told


@pytest.mark.parametrize("name", sorted(Environment.model_fields))
def test_each_setting_has_its_line(name: str) -> None:
    assert len(re.findall(rf"^\| `{name}` \| ", reference.markdown(), flags=re.MULTILINE)) == 1


def test_limits_defaults_and_examples_are_told() -> None:
    text = reference.markdown()
    assert "| `DATABASE_URL` | **required** |" in text
    assert re.search(r"`MAINSTAY_LAG_HOT_S` \| `5.0` \|.*At least 0.5, at most 60\.", text)
    assert re.search(r"`MAINSTAY_LOG_LEVEL` \|.*One of `DEBUG`, `INFO`, `WARNING`, `ERROR`\.", text)
    assert "Example: `postgresql://mainstay:secret@db.example:5432/mainstay`" in text
