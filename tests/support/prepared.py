"""Makes a system's database ready, in one process: tables, accounts, a token for each, printed as JSON.

``python -m tests.support.prepared`` reads ``{"accounts": {username: role}, "password": ...}`` from its input.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import django
from django.core.management import call_command


def main() -> None:
    """Do it."""
    given = json.load(sys.stdin)
    django.setup()
    from reliability import access  # needs Django's apps to be loaded
    from reliability.console.operations import accounts
    from reliability.kernel import clock

    call_command("migrate", interactive=False, verbosity=0)
    tokens = {}
    for username, role in given["accounts"].items():
        accounts.create_account(
            actor=access.host_actor(), username=username, password=given["password"], role=access.Role(role)
        )
        issued = accounts.issue_token(
            actor=access.host_actor(),
            username=username,
            name="scenario",
            life=timedelta(days=1),
            now=clock.SYSTEM.now(),
        )
        tokens[username] = issued.secret
    sys.stdout.write(json.dumps(tokens))


if __name__ == "__main__":
    main()
