#!/usr/bin/env python3
"""The command line of the project."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = {"reliability", "outbox", "dlq", "sagas", "tests"}


def main() -> None:
    """Run one management command with the project's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reliability.settings")
    try:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] in OURS:
            raise  # not the fault of whoever typed this
        sys.exit(what_to_type(missing.name or ""))


def what_to_type(missing: str) -> str:
    """Return the sentence for somebody whose Python has not what the project needs."""
    python = HERE / ".venv" / "bin" / "python"
    again = python.exists() and Path(sys.prefix).resolve() != HERE / ".venv"
    typed = shlex.join([".venv/bin/python", "manage.py", *sys.argv[1:]])
    return f"This Python has no module {missing!r}. In {HERE} run: {'' if again else 'make setup && '}{typed}"


if __name__ == "__main__":
    main()
