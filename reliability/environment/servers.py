"""Where PostgreSQL, Redis and Kafka are, and how they are spoken to."""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

_OURS = {"pool", "options"}
"""What an address of the database may not set."""


class Servers(BaseSettings):
    """The servers that the console stands on."""

    DATABASE_URL: str
    REDIS_URL: str
    KAFKA_BOOTSTRAP_SERVERS: str
    MAINSTAY_DATABASE_POOL_MAX: int = Field(default=8, ge=2, le=100)
    KAFKA_SECURITY_PROTOCOL: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    KAFKA_SASL_MECHANISM: str = ""
    KAFKA_SASL_USERNAME: str = ""
    KAFKA_SASL_PASSWORD: str = ""
    KAFKA_SSL_CA_LOCATION: str = ""
    MAINSTAY_BROKER: Literal["kafka", "in-process", "external"] = "external"
    MAINSTAY_BROKER_REASON: str = ""

    @field_validator("DATABASE_URL")
    @classmethod
    def _is_postgresql(cls, value: str) -> str:
        if not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("must be a PostgreSQL address")
        words = dict(parse_qsl(urlsplit(value).query, keep_blank_values=True))
        for name in sorted(_OURS & words.keys()):
            raise ValueError(f"must not say {name}: that is set by the console itself")
        threshold = words.get("prepare_threshold", "never")
        if threshold != "never" and not (threshold.isascii() and threshold.isdigit()):
            raise ValueError("has a prepare_threshold that is neither a number nor never")
        return value

    @field_validator("REDIS_URL")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        if not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must be a Redis address")
        return value
