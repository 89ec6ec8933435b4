"""The address of PostgreSQL, looked at before anything connects. No sentence repeats what may be part of a password."""

from __future__ import annotations

import os
from urllib.parse import SplitResult, parse_qsl, urlsplit

import psycopg
from psycopg.conninfo import make_conninfo

OURS = ("pool", "options")
"""What an address may not set."""
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")


def check(value: str) -> None:
    """Raise ``ValueError`` with what is wrong with an address."""
    if not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("must be a PostgreSQL address")
    parts = _parts(value)
    words = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not parts.path.strip("/") and not words.get("service"):
        raise ValueError("names no database: it stands behind the server, as in /mainstay")
    for name in sorted(set(OURS) & words.keys()):
        raise ValueError(f"must not say {name}: that is set by the console itself")
    threshold = words.pop("prepare_threshold", "never")
    if threshold != "never" and not (threshold.isascii() and threshold.isdigit()):
        raise ValueError("has a prepare_threshold that is neither a number nor never")
    for name in words:
        try:
            make_conninfo(**{name: ""})
        except (psycopg.Error, TypeError):
            raise ValueError(f"has a word behind the ? that libpq does not know{_shown(name)}") from None
    if words.get("sslmode", "prefer") not in SSL_MODES:
        raise ValueError(f"has an sslmode that is none of {', '.join(SSL_MODES)}")
    for name in _FILES:
        path = words.get(name, "")
        if path and path != "system" and not os.access(path, os.R_OK):
            raise ValueError(f"names {path} as {name}, which cannot be read")


def _parts(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        is_whole = not parts.fragment and (parts.port is None or parts.port > 0)
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ValueError(
            "is no host:port/name after the login; in a user or a password / is written %2F, ? %3F, # %23, [ %5B,"
            " ] %5D, @ %40, : %3A and % %25"
        )
    return parts


def _shown(name: str) -> str:
    """The word, unless it looks like the end of a password that has a ? in it."""
    return f": {name[:40]}" if name.isidentifier() and name.isascii() else " (a ? in a password is written %3F)"
