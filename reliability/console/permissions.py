"""The permission matrix as a document, from the table of rights and from every entrance that there is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from reliability.access.domain.rights import RIGHTS, matrix
from reliability.access.domain.roles import Role
from reliability.console.domain import entrances
from reliability.live.domain import topics

DOCUMENT = Path("deploy") / "permissions.md"
DEMO = ("demo/", "/api/v1/demo/", "demo_switch", "run_demo")
_INTRO = """# Who may do what

Made by `manage.py permissions --write` from the code; a test fails while it is old, and others ask every entrance as
everybody.

A role includes those before it. *Topics*: bounded by the topic scopes of account and token. *All topics*: only for who
sees every topic. A token has the lesser of both roles, the topics that both see, and, where it names acts, these alone.
The command line acts with the rights of the account that `--as` names.
"""


def document() -> str:
    """The whole text."""
    parts = [
        _INTRO,
        "## Acts\n",
        _table(("act", "what", *Role, "needs a reason", "bounds"), _acts()),
        "\n## Pages\n",
        _table(("address", "takes"), _pages()),
        "\n## API\n",
        _table(("operation", "address", "takes"), _operations()),
        "\n## Socket\n",
        _table(("topic", "takes"), sorted(topics.RIGHT_OF.items())),
        "\n## Commands\n",
        _table(("command", "takes"), _commands()),
        "\n## Tasks\n",
        _table(("task", "acts as"), sorted(entrances.TASKS.items())),
    ]
    return "\n".join(parts)


def routes(patterns: Iterable[URLPattern | URLResolver] | None = None, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every address of a page, and the act that it takes; "" where it asks in another way."""
    for pattern in get_resolver(settings.ROOT_URLCONF).url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route, getattr(pattern.callback, "required_act", "")


def operations() -> Iterator[tuple[str, str, str]]:
    """Name, method and address of every operation of the API."""
    schema = import_module(settings.ROOT_URLCONF).api.get_openapi_schema()
    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            yield told["operationId"], method.upper(), path


def _acts() -> Iterator[tuple[str, ...]]:
    for act, does, allowed in matrix():
        right = RIGHTS[act]
        bounds = "all topics" if right.whole else "topics" if right.by_topic else ""
        yes = ["yes" if allowed[role] else "" for role in Role]
        yield f"`{act}`", does, *yes, "yes" if right.needs_reason else "", bounds


def _pages() -> Iterator[tuple[str, str]]:
    for route, act in routes():
        if not route.startswith(("api/", *DEMO)):
            shown = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)
            posted = entrances.PAGES_POSTED.get(route)
            takes = f"`{act}`" if act else entrances.PAGES.get(route, "")
            yield f"`{shown}`", f"{takes}, its form `{posted}`" if posted else takes


def _operations() -> Iterator[tuple[str, str, str]]:
    for name, method, path in operations():
        if not path.startswith(DEMO):
            act = entrances.API.get(name, "")
            takes = act if act in entrances.BY_ITSELF else f"`{act}`"
            yield name, f"`{method} {path}`", f"{takes}, no token" if name in entrances.PEOPLE_ALONE else takes


def _commands() -> Iterator[tuple[str, str]]:
    for name, takes in sorted(entrances.COMMANDS.items()):
        if name not in DEMO:
            yield f"`{name}`", ", ".join(act if act == entrances.HOST else f"`{act}`" for act in takes)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *[list(row) for row in rows]]
    return "\n".join(f"| {' | '.join(each)} |" for each in lines) + "\n"
