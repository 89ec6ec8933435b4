"""Makes database, browser files, account and token ready for a demo: one short-lived process with Django in it.

`python -m reliability.embedded.prepare` reads `{"username", "password", "api_token"}` from its input and writes what it
did, one line each, to its output; the last line is `token: ...`. One process,
because each start of Django costs a second.
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import sys
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from reliability.kernel import clock

TOKEN_LINE = "token: "  # noqa: S105 - a word before a secret, not one
ROLE = "operator"


def main() -> None:
    """Do all four, each only as far as it is not done."""
    given = json.load(sys.stdin)
    django.setup()
    _tell(f"database: {_migrate()}")
    _tell(f"browser files: {_collect(Path(settings.STATIC_ROOT))}")
    _tell(f"account {given['username']}: {_account(username=given['username'], password=given['password'])}")
    _tell(TOKEN_LINE + _token(username=given["username"], known=given.get("api_token")))


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _migrate() -> str:
    executor = MigrationExecutor(connection)
    new = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if not new:
        return "no new migrations"
    call_command("migrate", interactive=False, verbosity=0)
    return f"{new} migrations applied"


def _collect(target: Path) -> str:
    """Collect, hash and compress the static files, unless they are the same as the last time."""
    digest = hashlib.sha256()
    count = 0
    for finder in finders.get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
            count += 1
    mark = target / "collected"
    if mark.is_file() and mark.read_text() == digest.hexdigest():
        return f"{count}, none new"
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    mark.write_text(digest.hexdigest())
    return f"{count} collected"


def _account(*, username: str, password: str) -> str:
    user = get_user_model().objects.filter(username=username, is_active=True).first()
    if user is not None and user.check_password(password):
        return "is there"
    with mock.patch.object(sys, "stdin", io.StringIO(password)), redirect_stdout(io.StringIO()):
        options = {"username": username, "role": ROLE, "password_stdin": True, "update": user is not None}
        call_command("create_account", **options)
    return "made" if user is None else "has its printed password again"


def _token(*, username: str, known: str | None) -> str:
    from reliability.access import queries as access_queries  # needs Django's apps to be loaded

    if known and access_queries.valid_token(known, now=clock.SYSTEM.now()):
        return known
    printed = io.StringIO()
    with redirect_stdout(printed):
        call_command("create_token", username=username, name=f"demo-{secrets.token_hex(4)}")
    return next(word for word in printed.getvalue().split() if word.startswith("mst_"))


if __name__ == "__main__":
    main()
