"""Looks at the servers that the environment names before anything is started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlsplit

import psycopg
import redis
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from reliability.embedded.refusal import Refusal
from reliability.environment import cluster_files, clusters
from reliability.kernel import redis_client

ANSWER_WITHIN_S = 5
EXAMPLES = {
    "DATABASE_URL": "postgresql://mainstay:secret@127.0.0.1:5432/mainstay",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
}


def check(environment: Mapping[str, str]) -> list[str]:
    """Ask each server that is named; returns the names of the variables that are set.

    Raises `Refusal` with the variable, the problem and an example; the password is never shown.
    """
    checks: dict[str, Callable[[str], None]] = {
        "DATABASE_URL": _postgresql,
        "REDIS_URL": _redis,
        "KAFKA_BOOTSTRAP_SERVERS": partial(_kafka, environment),
    }
    _refuse_main_among_clusters(environment)
    given = [name for name in checks if environment.get(name)]
    for name in given:
        try:
            checks[name](environment[name])
        except (ValueError, OSError, psycopg.Error, redis.RedisError, KafkaException) as error:
            problem = _in_short(error)
            raise Refusal(
                f"{name} is set, but {problem} (example: {EXAMPLES[name]}). "
                "Mend it, or unset it to use the embedded server."
            ) from error
    return given


def _in_short(error: Exception) -> str:
    if isinstance(error, KafkaException):
        return f"the broker does not answer within {ANSWER_WITHIN_S} s"
    # libpq adds a question on a line of its own.
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.strip().endswith("?")]
    return lines[-1] if lines else type(error).__name__


def _scheme(url: str, *allowed: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.port is None or parts.port else None
    except ValueError:
        raise ValueError("it is not an address") from None
    if parts.scheme not in allowed or not (host or parts.path or parts.query):
        raise ValueError(f"it is not an address that begins with {allowed[0]}://")


def _postgresql(url: str) -> None:
    _scheme(url, "postgresql", "postgres")
    with psycopg.connect(url, connect_timeout=ANSWER_WITHIN_S) as connection:
        connection.execute("select 1")


def _redis(url: str) -> None:
    if "://" not in url:
        raise ValueError("it is not an address that begins with redis://")
    try:
        client = redis_client.impatient(url, ANSWER_WITHIN_S)
    except ValueError as error:
        raise ValueError(f"it {error}") from None
    with client:
        client.ping()


def _kafka(environment: Mapping[str, str], servers: str) -> None:
    try:
        clusters.servers(servers)
    except ValueError:
        raise ValueError("it is not a list of host:port") from None
    given = {name: _value(environment, variable) for variable, name in clusters.VARIABLES.items()}
    profile = clusters.checked({name: value for name, value in given.items() if value}, of="it")
    AdminClient({**profile, "log_level": 0}).list_topics(timeout=ANSWER_WITHIN_S)


def _value(environment: Mapping[str, str], variable: str) -> str:
    """A variable's value, or what stands in the file that it names."""
    path = environment.get(f"{variable}_FILE")
    if environment.get(variable) or not path:
        return environment.get(variable, "")
    return cluster_files.secret(path, name=f"{variable}_FILE", of="it")


def _refuse_main_among_clusters(environment: Mapping[str, str]) -> None:
    """A demo runs on one cluster, which the supervisor has to know before it starts one."""
    try:
        named = clusters.profiles(environment["KAFKA_CLUSTERS"]) if environment.get("KAFKA_CLUSTERS") else {}
    except ValueError as error:
        raise Refusal(f"KAFKA_CLUSTERS {error}.") from error
    if clusters.MAIN in named:
        raise Refusal("KAFKA_CLUSTERS names the cluster main: for a demo, name it by KAFKA_BOOTSTRAP_SERVERS instead.")
