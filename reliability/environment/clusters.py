"""Kafka clusters by name: each profile in librdkafka's words, checked before anything connects.

``KAFKA_CLUSTERS`` (or the file that ``KAFKA_CLUSTERS_FILE`` names) is JSON, or TOML when it does not begin with ``{``.
No sentence of this module repeats a value that may be a secret.
"""

from __future__ import annotations

import ipaddress
import json
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from reliability.environment import cluster_files

MAIN = "main"
CLUSTERS_MAX = 50
"""Each costs the process ``lag`` a thread and some connections."""
CHARACTERS_MAX = 256 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SERVER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
SECRETS = ("sasl.password", "ssl.key.password")
_FILES = {f"{name}.file": name for name in SECRETS}
"""What names a file in place of a secret."""
_IDENTITY = (
    "bootstrap.servers",
    "security.protocol",
    "sasl.mechanism",
    "sasl.username",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.endpoint.identification.algorithm",
    *SECRETS,
)
VARIABLES = {f"KAFKA_{name.upper().replace('.', '_')}": name for name in _IDENTITY}
"""The environment variables that say how the cluster ``main`` is spoken to."""
OF_VARIABLES = "KAFKA_BOOTSTRAP_SERVERS with its KAFKA_* variables"
_TUNING: dict[str, tuple[int, int] | tuple[str, ...]] = {
    "broker.address.family": ("any", "v4", "v6"),
    "broker.address.ttl": (0, 86_400_000),
    "connections.max.idle.ms": (0, 2_147_483_647),
    "metadata.max.age.ms": (1_000, 86_400_000),
    "reconnect.backoff.max.ms": (1, 3_600_000),
    "reconnect.backoff.ms": (1, 3_600_000),
    "retry.backoff.max.ms": (1, 300_000),
    "retry.backoff.ms": (1, 300_000),
    "socket.connection.setup.timeout.ms": (1_000, 2_147_483_647),
    "socket.keepalive.enable": ("false", "true"),
    "socket.timeout.ms": (1_000, 300_000),
    "topic.metadata.refresh.interval.ms": (1_000, 3_600_000),
}
"""What may be tuned besides, and between which bounds: nothing that says who talks to whom, or what is sent."""
_ELSEWHERE = {
    "sasl.jaas.config": "write sasl.username and sasl.password",
    "sasl.mechanisms": "write sasl.mechanism",
    "ssl.truststore.location": "write ssl.ca.location, which names a PEM file",
    "ssl.keystore.location": "write ssl.certificate.location and ssl.key.location, which name PEM files",
    "enable.ssl.certificate.verification": "certificates are always checked; name the authority in ssl.ca.location",
}


def profiles(text: str) -> dict[str, dict[str, str]]:
    """Return the profile of each cluster that the text names; raise ``ValueError`` with what is wrong and where."""
    found = _parsed(text)
    if len(found) > CLUSTERS_MAX:
        raise ValueError(f"names {len(found)} clusters; at most {CLUSTERS_MAX} are watched by one console")
    for name, given in found.items():
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"names a cluster {name[:80]!r}: a name has 1 to 63 letters, digits, '.', '_', '-' and begins with"
                " a letter or digit"
            )
        if not isinstance(given, Mapping):
            raise ValueError(f"gives cluster {name} no properties: write bootstrap.servers and what else it takes")
    return {name: checked(_flat(given), of=f"cluster {name}") for name, given in found.items()}


def checked(given: Mapping[str, object], *, of: str) -> dict[str, str]:
    """Return one profile, with secrets read from their files; raise ``ValueError``."""
    profile = {name: _text(name, value, of=of) for name, value in given.items()}
    for name, secret in _FILES.items():
        if name in profile:
            if secret in profile:
                raise ValueError(f"{of} has {secret} and {name}: give one of them")
            profile[secret] = cluster_files.secret(profile.pop(name), name=name, of=of)
    profile = {name: value for name, value in profile.items() if value}
    profile.setdefault("security.protocol", "PLAINTEXT")
    _check_servers(profile.get("bootstrap.servers", ""), of=of)
    _check_login(profile, of=of)
    _check_tls(profile, of=of)
    return profile


def servers(text: str) -> list[tuple[str, int]]:
    """Return host and port of each server of a list; raise ``ValueError``."""
    found = []
    for server in filter(None, (part.strip() for part in text.split(","))):
        match = _SERVER.fullmatch(server)
        if match is None or not 0 < int(match["port"]) < 65_536:
            raise ValueError(f"{server[:80]!r} is no host:port")
        found.append((match["host"].strip("[]"), int(match["port"])))
    return found


def _parsed(text: str) -> dict[str, Any]:
    if len(text) > CHARACTERS_MAX:
        raise ValueError(f"has more than {CHARACTERS_MAX} characters")
    try:
        is_json = text.lstrip().startswith("{")
        found = json.loads(text, object_pairs_hook=_once) if is_json else tomllib.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"is neither JSON (which begins with a brace) nor TOML: {error}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(found, dict) or not found:
        raise ValueError("names no cluster")
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"says {next(name for name in names if names.count(name) > 1)[:80]!r} twice")
    return found


def _flat(given: Mapping[str, object], before: str = "") -> dict[str, object]:
    """Return names with dots: in TOML ``sasl.username`` is a table ``sasl`` with a ``username``."""
    flat: dict[str, object] = {}
    for name, value in given.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[f"{before}{name}"] = value
    return flat


def _text(name: str, value: object, *, of: str) -> str:
    """Return a property's value as librdkafka takes it; refuse names that are not on the list."""
    known = (*_IDENTITY, *_FILES, *_TUNING)
    if name not in known:
        if name in _ELSEWHERE:
            raise ValueError(f"{of} has {name}: {_ELSEWHERE[name]}")
        near = get_close_matches(name.replace("_", ".").lower()[:80], known, n=1)
        also = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        raise ValueError(f"{of} has a property {name[:80]!r} that is not known here; {also}")
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str | int):
        raise ValueError(f"{of}: {name} is neither a text nor a number")
    text = str(value)
    if any(ord(character) < 32 for character in text):
        raise ValueError(f"{of}: {name} has control characters in it")
    limits = _TUNING.get(name)
    if limits and isinstance(limits[0], int):
        if not re.fullmatch(r"[0-9]{1,10}", text) or not int(limits[0]) <= int(text) <= int(limits[1]):
            raise ValueError(f"{of}: {name} is a number from {limits[0]} to {limits[1]}")
    elif limits and text not in limits:
        raise ValueError(f"{of}: {name} is one of {', '.join(map(str, limits))}")
    return text


def _check_servers(text: str, *, of: str) -> None:
    try:
        found = servers(text)
    except ValueError as error:
        raise ValueError(f"{of}: bootstrap.servers is a list of host:port; {error}") from None
    if not found:
        raise ValueError(f"{of} has no bootstrap.servers, such as kafka-1.example:9093,kafka-2.example:9093")


def _check_login(profile: Mapping[str, str], *, of: str) -> None:
    protocol, mechanism = profile["security.protocol"], profile.get("sasl.mechanism", "")
    if protocol not in PROTOCOLS:
        raise ValueError(f"{of}: security.protocol is one of {', '.join(PROTOCOLS)}")
    if not protocol.startswith("SASL"):
        given = [name for name in ("sasl.mechanism", "sasl.username", "sasl.password") if name in profile]
        if given:
            raise ValueError(f"{of} has {given[0]}, which {protocol} does not use: say SASL_SSL, or leave it out")
        return
    if not mechanism:
        raise ValueError(f"{of} has {protocol} without a sasl.mechanism: one of {', '.join(MECHANISMS)}")
    if mechanism not in MECHANISMS:
        raise ValueError(
            f"{of}: sasl.mechanism {mechanism[:40]} is not possible; {', '.join(MECHANISMS)} are, because both clients"
            " that ask Kafka have to know it"
        )
    for name in ("sasl.username", "sasl.password"):
        if name not in profile:
            also = " (or sasl.password.file)" if name == "sasl.password" else ""
            raise ValueError(f"{of} has {protocol} without {name}{also}")
    public = [host for host, _ in servers(profile["bootstrap.servers"]) if _is_public(host)]
    if protocol == "SASL_PLAINTEXT" and public:
        raise ValueError(f"{of} would send its password without TLS to {public[0]}, a public address: say SASL_SSL")


def _check_tls(profile: Mapping[str, str], *, of: str) -> None:
    protocol = profile["security.protocol"]
    given = [name for name in profile if name.startswith("ssl.")]
    if not protocol.endswith("SSL"):
        if given:
            instead = protocol.replace("PLAINTEXT", "SSL")
            raise ValueError(f"{of} has {given[0]}, which {protocol} does not use: say {instead}, or leave it out")
        return
    if profile.get("ssl.endpoint.identification.algorithm", "https") not in ("https", "none"):
        raise ValueError(f"{of}: ssl.endpoint.identification.algorithm is https or none")
    cluster_files.check(profile, of=of)


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return False  # a name: nobody knows before it is asked; doctor warns
