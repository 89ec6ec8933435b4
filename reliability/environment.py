"""Every setting that comes from outside, typed; a wrong value stops the start with its name, its problem, an example.

Values come from environment variables, from files named by ``<NAME>_FILE`` (secrets), and, where neither is given,
from the demo that runs beside the checkout (``.mainstay/state.json``), so that commands find it without being told.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

CHECKOUT = Path(__file__).resolve().parent.parent
STATE_FILE = CHECKOUT / ".mainstay" / "state.json"
SECRET_KEY_CHARACTERS_MIN = 32
METRICS_TOKEN_CHARACTERS_MIN = 24

_EXAMPLES = {
    "DATABASE_URL": "postgresql://mainstay:secret@db.example:5432/mainstay",
    "REDIS_URL": "redis://cache.example:6379/0",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka-1.example:9092,kafka-2.example:9092",
    "MAINSTAY_SECRET_KEY": "64 random characters, for example the output of: openssl rand -hex 32",
    "MAINSTAY_ALLOWED_HOSTS": "console.example,127.0.0.1",
    "MAINSTAY_DLQ_TOPIC_PATTERNS": r"^.*\.dlq$,^.*-dlt$",
}

_OURS = {"pool", "options"}
"""What an address of the database may not set."""
_SERVERS = {"DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS"}
_NOTHING_NAMED = (
    "No demo runs beside this checkout, and no servers are named. Start one with `make demo`, or set these"
    " (README, Use it with your own Kafka; `make doctor` says what this machine has):"
)


class WrongSetting(SystemExit):
    """A setting is missing or wrong; the process stops with the sentence that says which and how to mend it."""


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Words = Annotated[list[str], NoDecode, BeforeValidator(_split)]


class Environment(BaseSettings):
    """The settings of a deployment."""

    model_config = SettingsConfigDict(extra="ignore", case_sensitive=True)

    DATABASE_URL: str
    REDIS_URL: str
    KAFKA_BOOTSTRAP_SERVERS: str
    MAINSTAY_SECRET_KEY: str
    MAINSTAY_DEBUG: bool = False
    MAINSTAY_ALLOWED_HOSTS: Words = ["127.0.0.1", "localhost", "[::1]"]
    MAINSTAY_HTTPS: bool = False
    """Served behind TLS: cookies become Secure with the ``__Host-`` prefix, HSTS is sent."""
    MAINSTAY_TRUSTED_PROXIES: int = Field(default=0, ge=0, le=5)
    MAINSTAY_ENVIRONMENT_NAME: str = "development"
    MAINSTAY_BROKER: Literal["kafka", "in-process", "external"] = "external"
    MAINSTAY_BROKER_REASON: str = ""
    MAINSTAY_DEMO: bool = False
    """Adds the demo's shop services and their switches (``sagas.orders``)."""
    MAINSTAY_OUTBOX_NAME: str = "main"
    MAINSTAY_OUTBOX_WAITS_FOR: dict[str, list[str]] = {}
    """Breakers by topic, as JSON: while one is open, the relay holds the topic's events back, in order."""
    MAINSTAY_DLQ_TOPIC_PATTERNS: Words = []
    """Regular expressions of dead-letter topics; empty means the usual names (see ``settings.py``)."""
    MAINSTAY_LAG_HOT_S: float = Field(default=5.0, ge=0.5, le=60)
    """Seconds between two looks at the consumer groups of a cluster that are in motion."""
    MAINSTAY_LAG_QUIET_S: float = Field(default=60.0, ge=1, le=600)
    """The same for those that stand still with nothing to read."""
    MAINSTAY_LAG_REQUESTS_PER_MINUTE: float | None = Field(default=None, ge=60)
    """Requests a minute that the process ``lag`` may send to one broker; looks become rarer where it would be more."""
    MAINSTAY_LAG_ALERT_TIME_LAG_S: float = Field(default=300.0, gt=0)
    """A consumer group that is further behind than so many seconds raises an alert."""
    MAINSTAY_LAG_ALERT_ETA_S: float = Field(default=3_600.0, gt=0)
    """One that needs longer to catch up does, too."""
    MAINSTAY_LAG_ALERT_LOSS_S: float = Field(default=21_600.0, gt=0)
    """And one whose records are deleted unread sooner than this."""
    MAINSTAY_RECONCILIATIONS: str = ""
    """A TOML file that says which systems are compared (README, Compare two systems without Python)."""
    MAINSTAY_OFREP_ORIGINS: Words = []
    """Origins such as https://shop.example whose pages may ask for degradation levels (OFREP); ``*`` is refused."""
    MAINSTAY_METRICS_TOKEN: str = ""
    """When set, ``/metrics`` answers only to ``Authorization: Bearer`` with it, also from this machine."""
    MAINSTAY_DATABASE_POOL_MAX: int = Field(default=8, ge=2, le=100)
    MAINSTAY_LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    KAFKA_SECURITY_PROTOCOL: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    KAFKA_SASL_MECHANISM: str = ""
    KAFKA_SASL_USERNAME: str = ""
    KAFKA_SASL_PASSWORD: str = ""
    KAFKA_SSL_CA_LOCATION: str = ""
    OTEL_EXPORTER_OTLP_ENDPOINT: str = ""
    OTEL_SERVICE_NAME: str = "mainstay"

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

    @field_validator("MAINSTAY_SECRET_KEY")
    @classmethod
    def _is_long_enough(cls, value: str) -> str:
        if len(value) < SECRET_KEY_CHARACTERS_MIN:
            raise ValueError(f"must have at least {SECRET_KEY_CHARACTERS_MIN} characters")
        return value

    @field_validator("MAINSTAY_OFREP_ORIGINS")
    @classmethod
    def _are_origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            parts = urlsplit(origin)
            if (
                parts.scheme not in ("http", "https")
                or not parts.hostname
                or origin != f"{parts.scheme}://{parts.netloc}"
            ):
                raise ValueError(f"{origin} is no origin: it is a scheme and a host, such as https://shop.example")
        return value

    @field_validator("MAINSTAY_METRICS_TOKEN")
    @classmethod
    def _is_a_token(cls, value: str) -> str:
        printable = value.isascii() and value.isprintable() and " " not in value
        if value and not (printable and len(value) >= METRICS_TOKEN_CHARACTERS_MIN):
            least = METRICS_TOKEN_CHARACTERS_MIN
            raise ValueError(f"must have at least {least} characters, ASCII and without spaces, or be left out")
        return value

    @model_validator(mode="after")
    def _refuse_an_unsafe_start(self) -> Environment:
        local = {"127.0.0.1", "localhost", "[::1]", "testserver"}
        if self.MAINSTAY_DEBUG and not set(self.MAINSTAY_ALLOWED_HOSTS) <= local:
            raise ValueError("MAINSTAY_DEBUG shows source and settings: only with local MAINSTAY_ALLOWED_HOSTS")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings


def load() -> Environment:
    """Read and check the settings; raise ``WrongSetting`` with one line per problem."""
    given = {**_from_running_demo(), **_from_files(os.environ)}
    try:
        return Environment(**{name: value for name, value in given.items() if name not in os.environ})
    except ValidationError as error:
        problems = error.errors()
        lines = [_sentence(problem) for problem in problems]
        missing = {str(problem["loc"][0]) for problem in problems if problem["type"] == "missing"}
        if missing >= _SERVERS:
            lines = [_NOTHING_NAMED, *(f"  {line}" for line in lines)]
        raise WrongSetting("\n".join(lines)) from None


def _from_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings whose value stands in a file named by ``<NAME>_FILE``."""
    found: dict[str, str] = {}
    for name in Environment.model_fields:
        path = environ.get(f"{name}_FILE")
        if path and name not in environ:
            try:
                found[name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise WrongSetting(f"{name}_FILE names {path}, which cannot be read: {error.strerror}") from None
    return found


def _from_running_demo() -> dict[str, Any]:
    """Return what the demo beside this checkout says of itself; nothing when the environment names a database."""
    if "DATABASE_URL" in os.environ or not STATE_FILE.exists():
        return {}
    try:
        state = json.loads(STATE_FILE.read_text(encoding="utf-8"))
        return {
            "DATABASE_URL": state["database_url"],
            "REDIS_URL": state["redis_url"],
            "KAFKA_BOOTSTRAP_SERVERS": state["kafka_bootstrap_servers"],
            "MAINSTAY_SECRET_KEY": state["secret_key"],
            "MAINSTAY_BROKER": state["broker"],
            "MAINSTAY_BROKER_REASON": state.get("broker_reason", ""),
            "MAINSTAY_ENVIRONMENT_NAME": "demo",
            "MAINSTAY_DEMO": True,
        }
    except (OSError, ValueError, KeyError) as error:
        sentence = f"{STATE_FILE} cannot be used ({error!r}): stop the demo, run `make clean`, start again"
        raise WrongSetting(sentence) from None


def _sentence(problem: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in problem["loc"]) or "settings"
    text = "is not set" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")
    example = f" (example: {_EXAMPLES[name]})" if name in _EXAMPLES else ""
    return f"{name}: {text}{example}"
