"""Sizes and names that keep the code readable."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50
SAYS_NOTHING = {"utils", "helpers", "common", "services", "base", "misc"}
SOURCES = sorted(
    path
    for folder in ("reliability", "outbox", "dlq", "sagas", "tests")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
)


def _parsed(text: str) -> ast.Module:
    """The syntax tree; Python 3.11 counts its depth for all threads together, and another may format a traceback."""
    try:
        return ast.parse(text)
    except SystemError:
        return ast.parse(text)


def _too_large(path: Path, text: str, tree: ast.Module) -> list[str]:
    found = [f"{path}: more than {FILE_LINES_MAX} lines: make it a folder of the same name"]
    if text.count("\n") <= FILE_LINES_MAX:
        found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                found.append(f"{path}: {node.name} has {lines} lines, more than {FUNCTION_LINES_MAX}")
    return found


def test_each_file_stays_within_the_agreed_sizes_and_says_in_its_first_line_what_it_is() -> None:
    found = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        tree = _parsed(text)
        found += _too_large(path.relative_to(ROOT), text, tree)
        if text.strip() and not ast.get_docstring(tree):
            found.append(f"{path.relative_to(ROOT)}: a module starts with a one-line docstring")
    assert len(SOURCES) > 500
    assert found == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [str(path) for path in SOURCES if path.stem in SAYS_NOTHING or SAYS_NOTHING & set(path.parent.parts)] == []


def test_nothing_is_left_for_later_without_saying_so_on_the_screen() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "X" * 3 + ":")
    assert [str(path) for path in SOURCES if any(mark in path.read_text(encoding="utf-8") for mark in marks)] == []
