"""The README's sections and what is to be typed in them, for tests that do it word for word."""

from __future__ import annotations

import re
import textwrap

from tests.support.deployed import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """What stands under a heading of the second level; raises ``ValueError`` when there is no such heading."""
    _, found, rest = TEXT.partition(f"\n## {title}\n")
    if not found:
        raise ValueError(f"the README has no section {title!r}")
    return rest.partition("\n## ")[0]


def blocks(title: str, language: str = "") -> list[str]:
    """Return the code blocks of one section and language, without the indent of a list around them."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", section(title), flags=re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for _, block in found]
