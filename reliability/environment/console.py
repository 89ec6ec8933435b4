"""How the console itself is served, named, guarded and watched."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings

from reliability.environment.words import Words

SECRET_KEY_CHARACTERS_MIN = 32
METRICS_TOKEN_CHARACTERS_MIN = 24


class Console(BaseSettings):
    """The settings of the processes that serve it."""

    MAINSTAY_SECRET_KEY: str
    """Signs sessions and tokens; everybody who has it can make them. At least 32 random characters."""
    MAINSTAY_SECRET_KEY_PREVIOUS: Words = []
    """Keys that were used before: what they signed counts until it is over."""
    MAINSTAY_DEBUG: bool = False
    """Shows source and settings on errors; refused with hosts that others reach."""
    MAINSTAY_ALLOWED_HOSTS: Words = ["127.0.0.1", "localhost", "[::1]"]
    """Names under which the console is opened, with commas between them."""
    MAINSTAY_HTTPS: bool = False
    """Served behind TLS: cookies become Secure with the ``__Host-`` prefix, HSTS is sent."""
    MAINSTAY_TRUSTED_PROXIES: int = Field(default=0, ge=0, le=5)
    """How many proxies before the console add to ``X-Forwarded-For``; what more say is not believed."""
    MAINSTAY_ENVIRONMENT_NAME: str = "development"
    """What is operated here, as the top bar and messages name it; one that begins with prod is marked."""
    MAINSTAY_READ_ONLY: bool = False
    """Nobody acts, and nothing leaves: no record to Kafka, no commit but of the console's own reader of letters."""
    MAINSTAY_DEMO: bool = False
    """Adds the demo's shop services and their switches (``sagas.orders``)."""
    MAINSTAY_METRICS_TOKEN: str = ""
    """When set, ``/metrics`` answers only to ``Authorization: Bearer`` with it, also from this machine."""
    MAINSTAY_ALIVE_PATH: str = ""
    """A file that the process touches while its loop turns, for a probe that asks nobody (deploy/image/alive)."""
    MAINSTAY_LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least that is logged, as JSON lines on standard output."""
    OTEL_EXPORTER_OTLP_ENDPOINT: str = ""
    """Where traces go (OTLP over HTTP); without one they are ids in logs alone."""
    OTEL_SERVICE_NAME: str = "mainstay"
    """What the console is called in traces."""

    @field_validator("MAINSTAY_SECRET_KEY")
    @classmethod
    def _is_long_enough(cls, value: str) -> str:
        if len(value) < SECRET_KEY_CHARACTERS_MIN:
            raise ValueError(f"must have at least {SECRET_KEY_CHARACTERS_MIN} characters")
        return value

    @field_validator("MAINSTAY_SECRET_KEY_PREVIOUS")
    @classmethod
    def _are_long_enough(cls, value: list[str]) -> list[str]:
        if any(len(key) < SECRET_KEY_CHARACTERS_MIN for key in value):
            raise ValueError(f"must have at least {SECRET_KEY_CHARACTERS_MIN} characters each")
        return value

    @field_validator("MAINSTAY_METRICS_TOKEN")
    @classmethod
    def _is_a_token(cls, value: str) -> str:
        printable = value.isascii() and value.isprintable() and " " not in value
        if value and not (printable and len(value) >= METRICS_TOKEN_CHARACTERS_MIN):
            least = METRICS_TOKEN_CHARACTERS_MIN
            raise ValueError(f"must have at least {least} characters, ASCII and without spaces, or be left out")
        return value

    @field_validator("MAINSTAY_ALIVE_PATH")
    @classmethod
    def _has_a_folder(cls, value: str) -> str:
        if value and not Path(value).parent.is_dir():
            raise ValueError(f"is to be touched, but there is no folder {Path(value).parent}")
        return value

    @model_validator(mode="after")
    def _refuse_an_unsafe_start(self) -> Self:
        local = {"127.0.0.1", "localhost", "[::1]", "testserver"}
        if self.MAINSTAY_DEBUG and not set(self.MAINSTAY_ALLOWED_HOSTS) <= local:
            raise ValueError("MAINSTAY_DEBUG shows source and settings: only with local MAINSTAY_ALLOWED_HOSTS")
        return self
