"""Every template compiles, and none holds what the content policy or a hostile value could turn against its reader."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template import loader

ROOT = Path(__file__).parents[3] / "templates"
TEMPLATES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.html"))
INLINE = re.compile(
    r"""<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:|hx-on|hx-vals|hx-vars""", re.IGNORECASE
)
UNQUOTED = re.compile(r"\s[a-z-]+=(?:\{\{|\{%)")
UNSAFE = re.compile(r"""\|safe\b|autoescape off|\|urlize|\|truncate\w*_html|\|linebreaks""")


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_compiles(name: str) -> None:
    loader.get_template(name)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_nothing_inline_and_trusts_no_value(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not INLINE.findall(text), "scripts, styles and handlers stand in files: the policy refuses them here"
    assert not UNQUOTED.findall(text), "an attribute without quotes can be left by a value with a blank"
    assert not UNSAFE.findall(text), "values are escaped, always"


def test_there_are_templates() -> None:
    assert len(TEMPLATES) > 20
