"""The reference of all settings, made of the code that reads them: names, defaults, limits, meanings."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from reliability.environment.loading import EXAMPLES, Environment

HEAD = """# Settings

Every setting is an environment variable. Each may be given as `<NAME>_FILE` instead, which names a file that holds the
value: so secrets stay out of the environment. A wrong value stops the start with the variable's name, what is wrong
with it and an example; so do an empty file, a value beside a file for it, and a name that is nearly one of these.

This page is made by `python -m reliability.environment`; a test keeps it true.
"""


def markdown() -> str:
    """Return the reference as Markdown."""
    return "\n".join([HEAD, *(_section(group) for group in _groups())])


def undocumented() -> list[str]:
    """Return the settings that say nothing of themselves."""
    return [name for group in _groups() for name, said in _meanings(group).items() if not said]


def _groups() -> list[type[BaseSettings]]:
    found = [each for each in reversed(Environment.__mro__) if issubclass(each, BaseSettings)]
    return [each for each in found if each not in (BaseSettings, Environment)]


def _section(group: type[BaseSettings]) -> str:
    title = inspect.getdoc(group) or group.__name__
    rows = [_row(name, Environment.model_fields[name], said) for name, said in _meanings(group).items()]
    head = f"## {title.splitlines()[0].rstrip('.')}\n\n| variable | default | meaning |\n|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def _row(name: str, field: FieldInfo, said: str) -> str:
    example = f" Example: `{EXAMPLES[name]}`" if name in EXAMPLES else ""
    text = " ".join(said.replace("``", "`").split())
    return f"| `{name}` | {_default(field)} | {_cell(text + _limits(field) + example)} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value: Any = field.get_default(call_default_factory=True)
    if value in ("", None, [], {}, ()):
        return "none"
    if isinstance(value, list):
        return f"`{','.join(map(str, value))}`"
    return f"`{json.dumps(value).strip(chr(34))}`" if not isinstance(value, str) else f"`{value}`"


def _limits(field: FieldInfo) -> str:
    """What the type allows: one of some words, or from here to there."""
    words = getattr(field.annotation, "__args__", ())
    if words and all(isinstance(each, str) for each in words):
        return f" One of {', '.join(f'`{each}`' for each in words)}."
    found = [
        f"{word} {value:g}"
        for name, word in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))
        for each in field.metadata
        if isinstance(value := getattr(each, name, None), int | float)
    ]
    return f" {', '.join(found).capitalize()}." if found else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _meanings(group: type[BaseSettings]) -> dict[str, str]:
    """The settings of a group and the texts that stand below them in the code."""
    body = ast.parse(textwrap.dedent(inspect.getsource(group))).body[0]
    if not isinstance(body, ast.ClassDef):
        return {}
    found: dict[str, str] = {}
    last = ""
    for node in body.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id.isupper():
            last = node.target.id
            found[last] = ""
        elif last and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found[last], last = str(node.value.value), ""
        else:
            last = ""
    return found
