"""Which certificates the console meets, by its settings: of Kafka, PostgreSQL and Redis."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from reliability.certificates.domain.standing import Role
from reliability.kafka import clusters, ports, tls
from reliability.kernel import redis_address

_TLS_MODES = ("require", "verify-ca", "verify-full")
_POSTGRESQL_PORT = 5432
BROKERS_MAX = 200
"""Of one cluster; the others have, as a rule, certificates of the same day."""
BROKERS_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a certificate is: a server's address, or a file. ``name`` is its own among all."""

    name: str
    role: Role
    host: str = ""
    port: int = 0
    path: str = ""
    context: Callable[[], ssl.SSLContext] = ssl.create_default_context
    asks_first: bool = False

    @property
    def where(self) -> str:
        """The address or the file, for people."""
        return self.path or (f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}")


def places() -> list[Place]:
    """Return every place once. Asks Kafka for the brokers' addresses; what does not answer has those of its profile."""
    found = [*_kafka(), *_postgresql(), *_redis()]
    return list({place.name: place for place in found}.values())


def _kafka() -> Iterator[Place]:
    for cluster, brokers in clusters.each(_brokers).items():
        if not brokers:
            continue
        profile = clusters.profile(cluster)
        what = f"kafka {cluster}"
        context = partial(tls.context, profile)
        for host, port in brokers:
            yield Place(name=f"{what} {host}:{port}", role="server", host=host, port=port, context=context)
        yield from _files(
            what,
            authority=str(profile.get("ssl.ca.location", "")),
            client=str(profile.get("ssl.certificate.location", "")),
        )


def _brokers(cluster: str) -> list[tuple[str, int]]:
    """The servers of a cluster that speaks TLS; none of another one."""
    profile = clusters.profile(cluster)
    if not str(profile.get("security.protocol", "")).upper().endswith("SSL"):
        return []
    servers = str(profile.get("bootstrap.servers", "")).split(",")
    with suppress(ports.Unavailable, ports.Unsupported):  # it is told elsewhere that the cluster does not answer
        servers += clusters.admin(cluster, answer_s=BROKERS_S).brokers()[:BROKERS_MAX]
    parts = [server.strip().rpartition(":") for server in servers]
    return sorted({(host.strip("[]"), int(port)) for host, _, port in parts if host and port.isdigit()})


def _postgresql() -> Iterator[Place]:
    database = settings.DATABASES[DEFAULT_DB_ALIAS]
    options = database.get("OPTIONS", {})
    host = str(database.get("HOST", ""))
    if str(options.get("sslmode", "")) not in _TLS_MODES or not host or host.startswith("/"):
        return
    client, key = str(options.get("sslcert", "")), str(options.get("sslkey", ""))
    port = int(database.get("PORT") or _POSTGRESQL_PORT)
    yield Place(
        name=f"postgresql {host}:{port}",
        role="server",
        host=host,
        port=port,
        context=partial(_with, client, key, str(options.get("sslpassword", ""))),
        asks_first=True,
    )
    authority = str(options.get("sslrootcert", ""))
    yield from _files("postgresql", authority="" if authority == "system" else authority, client=client)


def _redis() -> Iterator[Place]:
    cache = getattr(settings, "REDIS_URL", "")
    for what, text in (("redis", cache), ("celery", getattr(settings, "BROKER_ADDRESS", cache))):
        if not text or (what == "celery" and text == cache):
            continue
        address = redis_address.parsed(text)
        if not address.tls:
            continue
        context = partial(_with, address.certificate, address.key)
        for host, port in address.nodes:
            yield Place(name=f"{what} {host}:{port}", role="server", host=host, port=port, context=context)
        yield from _files(what, authority=address.ca, client=address.certificate)


def _files(what: str, *, authority: str, client: str) -> Iterator[Place]:
    if authority:
        yield Place(name=f"{what} authority {authority}", role="authority", path=authority)
    if client:
        yield Place(name=f"{what} client {client}", role="client", path=client)


def _with(certificate: str, key: str, password: str = "") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if certificate and key:
        # An empty password, not None: OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password)
    return context
