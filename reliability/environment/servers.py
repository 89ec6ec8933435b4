"""Where PostgreSQL, Redis and Kafka are, and how they are spoken to."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

from reliability.environment import clusters, database_address
from reliability.kernel import redis_address

_NO_CLUSTER = (
    "Celery's messages cannot be kept in a Redis Cluster; set CELERY_BROKER_URL to one Redis (redis://), or to one with"
    " sentinels (redis+sentinel://)"
)


def _profiles(value: object) -> object:
    return clusters.profiles(value) if isinstance(value, str) and value.strip() else value or {}


Profiles = Annotated[dict[str, dict[str, str]], NoDecode, BeforeValidator(_profiles)]


class Servers(BaseSettings):
    """The servers that the console stands on."""

    DATABASE_URL: str
    """PostgreSQL 15 or later. Words after ``?`` go to libpq, such as ``sslmode=verify-full&sslrootcert=...``."""
    REDIS_URL: str = Field(repr=False)
    """Redis 6.2 or later: ``redis://``, ``rediss://``, ``redis+sentinel://``, ``redis+cluster://``."""
    CELERY_BROKER_URL: str = Field(default="", repr=False)
    """Another Redis for Celery's messages; the one of ``REDIS_URL`` unless it is said."""
    KAFKA_BOOTSTRAP_SERVERS: str
    """Brokers of the cluster main, to begin with."""
    MAINSTAY_DATABASE_POOL_MAX: int = Field(default=8, ge=2, le=100)
    """Connections to PostgreSQL that one process keeps at most."""
    KAFKA_SECURITY_PROTOCOL: str = "PLAINTEXT"
    """How brokers of the cluster main are spoken to: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    KAFKA_SASL_MECHANISM: str = ""
    """PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."""
    KAFKA_SASL_USERNAME: str = ""
    """The console's account there."""
    KAFKA_SASL_PASSWORD: str = Field(default="", repr=False)
    """Its password."""
    KAFKA_SSL_CA_LOCATION: str = ""
    """A file with the authorities that brokers are believed by; the system's own unless it is said."""
    KAFKA_SSL_CERTIFICATE_LOCATION: str = ""
    """A file with the console's own certificate, where brokers want one."""
    KAFKA_SSL_KEY_LOCATION: str = ""
    """A file with the key of that certificate."""
    KAFKA_SSL_KEY_PASSWORD: str = Field(default="", repr=False)
    """What that key is locked with."""
    KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM: str = ""
    """``none`` lets brokers have certificates of other names than theirs."""
    KAFKA_CLUSTERS: Profiles = Field(default={}, repr=False)
    """Clusters besides, or all of them, by name (README, Use it with your own Kafka)."""
    MAINSTAY_BROKER: Literal["kafka", "in-process", "external"] = "external"
    """What stands behind the address; set by the demo alone."""
    MAINSTAY_BROKER_REASON: str = ""
    """Why it is no Apache Kafka; set by the demo alone."""

    @field_validator("DATABASE_URL")
    @classmethod
    def _is_postgresql(cls, value: str) -> str:
        database_address.check(value)
        return value

    @model_validator(mode="before")
    @classmethod
    def _main_may_stand_among_the_clusters(cls, given: dict[str, Any]) -> dict[str, Any]:
        named = given.get("KAFKA_CLUSTERS")
        if "KAFKA_BOOTSTRAP_SERVERS" not in given and isinstance(named, str):
            try:
                if clusters.MAIN in clusters.profiles(named):
                    return {**given, "KAFKA_BOOTSTRAP_SERVERS": ""}
            except ValueError:
                pass  # the variable's own check says what is wrong
        return given

    @model_validator(mode="after")
    def _clusters_are_whole(self) -> Self:
        self.kafka_clusters()
        return self

    def kafka_clusters(self) -> dict[str, dict[str, str]]:
        """Return all profiles by name: those of ``KAFKA_CLUSTERS``, and ``main`` of the variables beside it."""
        if not self.KAFKA_BOOTSTRAP_SERVERS.strip() and clusters.MAIN in self.KAFKA_CLUSTERS:
            return self.KAFKA_CLUSTERS
        if clusters.MAIN in self.KAFKA_CLUSTERS:
            raise ValueError(
                "KAFKA_CLUSTERS names the cluster main, and KAFKA_BOOTSTRAP_SERVERS does, too: leave one of them out"
            )
        given = {name: str(getattr(self, variable)) for variable, name in clusters.VARIABLES.items()}
        main = clusters.checked({name: value for name, value in given.items() if value}, of=clusters.OF_VARIABLES)
        return {clusters.MAIN: main, **self.KAFKA_CLUSTERS}

    @field_validator("REDIS_URL")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        address = redis_address.parsed(value)
        for path in (address.ca, address.certificate, address.key):
            if path and not os.access(path, os.R_OK):
                raise ValueError(f"names {path}, which cannot be read")
        return value

    @field_validator("CELERY_BROKER_URL")
    @classmethod
    def _is_a_broker(cls, value: str) -> str:
        if value and redis_address.parsed(cls._is_redis(value)).kind == "cluster":
            raise ValueError(_NO_CLUSTER)
        return value

    @model_validator(mode="after")
    def _celery_has_a_broker(self) -> Self:
        if redis_address.parsed(self.REDIS_URL).kind == "cluster" and not self.CELERY_BROKER_URL:
            raise ValueError(f"REDIS_URL names a Redis Cluster: {_NO_CLUSTER}")
        return self
