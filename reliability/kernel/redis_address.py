"""Addresses of Redis: one server, a socket, servers behind sentinels, or a cluster. Pure.

``redis://[user:password@]host:port/0``, ``unix:///path?db=0``, ``redis+sentinel://[user:password@]host:port,host:port/name/0``
with ``name`` of the master, ``redis+cluster://[user:password@]host:port,host:port``; ``rediss`` for TLS. Behind a ``?``
stand options of ``OPTIONS``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

Kind = Literal["one", "socket", "sentinel", "cluster"]
Node = tuple[str, int]

DEFAULT_PORT: Final = 6379
SENTINEL_PORT: Final = 26379
NODES_MAX: Final = 50
_KINDS: Final[Mapping[str, tuple[Kind, bool]]] = {
    "redis": ("one", False),
    "rediss": ("one", True),
    "unix": ("socket", False),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
}
_TLS: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname", "ssl_cert_reqs")
_SENTINELS: Final = ("sentinel_username", "sentinel_password")
OPTIONS: Final = ("db", *_TLS, *_SENTINELS)
_NODE: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_MASTER: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")


class WrongAddress(ValueError):
    """It is no address of Redis. Never tells the password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where Redis is and how it is spoken to. ``nodes``: the server, the sentinels, or servers of the cluster."""

    kind: Kind
    tls: bool = False
    nodes: tuple[Node, ...] = ()
    path: str = ""
    master: str = ""
    database: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    sentinel_username: str = ""
    sentinel_password: str = field(default="", repr=False)
    ca: str = ""
    certificate: str = ""
    key: str = ""
    checks_host: bool = True

    @property
    def shown(self) -> str:
        """The address without anything secret."""
        if self.kind == "socket":
            return f"unix://{self.path}"
        scheme = ("rediss" if self.tls else "redis") + ("" if self.kind == "one" else f"+{self.kind}")
        nodes = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.nodes)
        return f"{scheme}://{nodes}{f'/{self.master}' if self.master else ''}"


def parsed(text: str) -> Address:
    """Return the address that a text says; raise ``WrongAddress``."""
    scheme, _, rest = text.partition("://")
    if scheme not in _KINDS or any(ord(character) < 33 for character in text):
        raise WrongAddress(f"must be a Redis address, which begins with {'://, '.join(_KINDS)}://")
    kind, tls = _KINDS[scheme]
    parts = urlsplit(f"redis://{rest}")
    options = _options(parts.query, kind=kind, tls=tls)
    login, _, nodes = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    path = unquote(parts.path)
    if kind == "socket":
        if not path.strip("/"):
            raise WrongAddress("names no socket, such as unix:///run/redis.sock")
        where, master, database = path, "", options.get("db", "0")
    else:
        where, master, database = "", *_named(path.strip("/"), kind=kind, given=options.get("db", ""))
    return Address(
        kind=kind,
        tls=tls,
        nodes=() if kind == "socket" else _nodes(nodes, kind=kind),
        path=where,
        master=master,
        database=_database(database, kind=kind),
        username=unquote(username),
        password=unquote(password),
        sentinel_username=options.get("sentinel_username", ""),
        sentinel_password=options.get("sentinel_password", ""),
        ca=options.get("ssl_ca_certs", ""),
        certificate=options.get("ssl_certfile", ""),
        key=options.get("ssl_keyfile", ""),
        checks_host=_truth(options.get("ssl_check_hostname", "true")),
    )


def _options(query: str, *, kind: Kind, tls: bool) -> dict[str, str]:
    """Return the options behind the ?; refuse what is not on the list."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if not name.isidentifier():
            raise WrongAddress("has something behind the ? that is no option (a ? in a password is written %3F)")
        if name not in OPTIONS:
            near = get_close_matches(name, OPTIONS, n=1)
            also = f"did you mean {near[0]}?" if near else f"known are {', '.join(OPTIONS)}"
            raise WrongAddress(f"has an option {name[:60]!r} that is not known; {also}")
        if name in _TLS and not tls:
            raise WrongAddress(f"has {name} without TLS: begin it with rediss")
        if name in _SENTINELS and kind != "sentinel":
            raise WrongAddress(f"has {name} and names no sentinels")
        if name in found:
            raise WrongAddress(f"says {name} twice")
        found[name] = value
    if found.get("ssl_cert_reqs", "required").lower() not in ("required", "cert_required"):
        raise WrongAddress("has an ssl_cert_reqs that is not required: certificates are always checked (ssl_ca_certs)")
    if bool(found.get("ssl_certfile")) != bool(found.get("ssl_keyfile")):
        raise WrongAddress("has one of ssl_certfile and ssl_keyfile: a certificate takes its key")
    return found


def _nodes(text: str, *, kind: Kind) -> tuple[Node, ...]:
    default = SENTINEL_PORT if kind == "sentinel" else DEFAULT_PORT
    found: list[Node] = []
    for part in text.split(","):
        match = _NODE.fullmatch(part.strip())
        port = int(match["port"] or default) if match else 0
        if match is None or not 0 < port < 65_536:
            raise WrongAddress("has a server that is no host:port")
        found.append((match["host"].strip("[]"), port))
    if kind == "one" and len(found) > 1:
        raise WrongAddress("names several servers: say redis+sentinel:// or redis+cluster://")
    if len(found) > NODES_MAX:
        raise WrongAddress(f"names more than {NODES_MAX} servers")
    return tuple(found)


def _named(path: str, *, kind: Kind, given: str) -> tuple[str, str]:
    """Return the master's name and the database that stand in the path."""
    first, _, second = path.partition("/")
    if kind == "sentinel":
        if not _MASTER.fullmatch(first):
            raise WrongAddress("must name the master behind its sentinels, as in redis+sentinel://host:26379/name/0")
        database = second
    else:
        first, database = "", path
    if database and given and database != given:
        raise WrongAddress("says two databases")
    return first, database or given or "0"


def _database(text: str, *, kind: Kind) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise WrongAddress("has a database that is no number, such as /0 at its end")
    if kind == "cluster" and int(text):
        raise WrongAddress("names a database of a cluster, which has only the database 0")
    return int(text)


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise WrongAddress("has an ssl_check_hostname that is neither true nor false")
    return text.lower() == "true"
