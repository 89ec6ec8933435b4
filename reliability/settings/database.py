"""PostgreSQL as Django is told of it: one pool in each process, and waits that end."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from reliability.environment import Environment
from reliability.kernel.lines import Line

STATEMENT_TIMEOUT_MS = 30_000  # no page waits longer; long reads of the relay are cursors of many short statements
CONNECT_TIMEOUT_S = 2  # with the pool's wait and the watch's attempt, a page without a database answers within 2 s


def _option(name: str, value: str) -> Any:
    """An option after the ? of an address, as psycopg wants it."""
    if name == "prepare_threshold":  # "never" behind a pooler that gives each transaction another session
        return None if value == "never" else int(value)
    return value


def connection(environment: Environment) -> dict[str, Any]:
    """Return Django's description of the database that the address names."""
    parts = urlsplit(environment.DATABASE_URL)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,  # the pool keeps connections, Django must not
        "CONN_HEALTH_CHECKS": True,  # after a restart no request gets a connection of the server before it
        "OPTIONS": {
            "pool": {
                "min_size": 1,
                "max_size": environment.MAINSTAY_DATABASE_POOL_MAX,
                "timeout": 0.8,  # requests take turns before they ask for one (console/middleware.py)
                "max_idle": 60,
                "connection_class": Line,  # so that the watch can end waits on a server that hangs
                "reconnect_timeout": 2,  # the default waits longer and longer: pages would stay down after an outage
            },
            "connect_timeout": CONNECT_TIMEOUT_S,
            # A host that is gone without a word (failover after a power cut) is given up after some 20 s, not 15 min.
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,  # ms that sent bytes may wait for their receipt; Linux alone knows it
            "prepare_threshold": 5,  # of what the engine of sagas says; Django's own cursors prepare nothing
            "application_name": "mainstay",
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c idle_in_transaction_session_timeout=60000",
            **{name: _option(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)},
        },
    }
