"""Reads the settings: the environment, files named by ``<NAME>_FILE``, and the demo that runs beside the checkout."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from reliability.environment.alerts import Alerts
from reliability.environment.console import Console
from reliability.environment.rooms import Rooms
from reliability.environment.servers import Servers
from reliability.environment.signin import SignIn

CHECKOUT = Path(__file__).resolve().parent.parent.parent
STATE_FILE = CHECKOUT / ".mainstay" / "state.json"

EXAMPLES = {
    "DATABASE_URL": "postgresql://mainstay:secret@db.example:5432/mainstay",
    "REDIS_URL": "redis://cache.example:6379/0",
    "CELERY_BROKER_URL": "redis+sentinel://cache-1.example:26379,cache-2.example:26379/mymaster/1",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka-1.example:9092,kafka-2.example:9092",
    "KAFKA_CLUSTERS": '{"eu": {"bootstrap.servers": "kafka-1.example:9093", "security.protocol": "SSL"}}',
    "MAINSTAY_SECRET_KEY": "64 random characters, for example the output of: openssl rand -hex 32",
    "MAINSTAY_ALLOWED_HOSTS": "console.example,127.0.0.1",
    "MAINSTAY_URL": "https://mainstay.example",
    "MAINSTAY_ALERT_CHANNELS": '{"on-call": {"kind": "pagerduty", "routing_key_file": "/run/secrets/pagerduty"}}',
    "MAINSTAY_DLQ_TOPIC_PATTERNS": r"^.*\.dlq$,^.*-dlt$",
    "MAINSTAY_OUTBOX_WAITS_FOR": '{"payments.commands": ["payments"]}',
}

_PREFIXES = ("MAINSTAY_", "KAFKA_")
_AS_GOOD_AS = 0.84
"""How like a setting's a name is that must be meant for it; those that other programs use are less so."""
FILE_CHARACTERS_MAX = 1024 * 1024
_SERVERS = {"DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS"}
_NOTHING_NAMED = (
    "No demo runs beside this checkout, and no servers are named. Start one with `make demo`, or set these"
    " (README, Use it with your own Kafka; `make doctor` says what this machine has):"
)


class WrongSetting(SystemExit):
    """A setting is missing or wrong; the process stops with the sentence that says which and how to mend it."""


class Environment(Alerts, Rooms, SignIn, Console, Servers):
    """The settings of a deployment."""

    model_config = SettingsConfigDict(extra="ignore", case_sensitive=True)

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
    _refuse_misspelled(os.environ)
    from_files = _from_files(os.environ)
    from_demo = {name: value for name, value in _from_running_demo().items() if name not in os.environ}
    try:
        return Environment(**{**from_demo, **from_files})
    except ValidationError as error:
        problems = error.errors()
        lines = [_sentence(problem) for problem in problems]
        missing = {str(problem["loc"][0]) for problem in problems if problem["type"] == "missing"}
        if missing >= _SERVERS:
            lines = [_NOTHING_NAMED, *(f"  {line}" for line in lines)]
        raise WrongSetting("\n".join(lines)) from None


def _refuse_misspelled(environ: Mapping[str, str]) -> None:
    """A name that is nearly a setting's is not passed over in silence: a console that should only look would act."""
    lines = []
    for variable in sorted(environ):
        name = variable.removesuffix("_FILE")
        prefix = next((each for each in _PREFIXES if name.startswith(each)), "")
        if not prefix or name in Environment.model_fields:
            continue
        known = [each.removeprefix(prefix) for each in Environment.model_fields if each.startswith(prefix)]
        near = get_close_matches(name.removeprefix(prefix)[:80], known, n=1, cutoff=_AS_GOOD_AS)
        if near:
            lines.append(f"{variable} is no setting; did you mean {prefix}{near[0]}{variable[len(name) :]}?")
    if lines:
        raise WrongSetting("\n".join(lines))


def _from_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings whose value stands in a file named by ``<NAME>_FILE``."""
    found: dict[str, str] = {}
    for name in Environment.model_fields:
        path = environ.get(f"{name}_FILE")
        if path and environ.get(name):
            raise WrongSetting(f"{name} and {name}_FILE are both set: give one of them")
        if path:
            found[name] = _content(path, of=f"{name}_FILE")
    return found


def _content(path: str, *, of: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            text = file.read(FILE_CHARACTERS_MAX + 1)
    except OSError as error:
        raise WrongSetting(f"{of} names {path}, which cannot be read: {error.strerror}") from None
    except ValueError:  # also for a name that holds what no name may
        raise WrongSetting(f"{of} names {path!r}, which is no text in UTF-8") from None
    if len(text) > FILE_CHARACTERS_MAX:
        raise WrongSetting(f"{of} names {path}, which has more than {FILE_CHARACTERS_MAX} characters")
    value = text.strip().removeprefix("\ufeff")  # what some editors put before a text
    if not value:
        # An empty token or list of channels would mean "none": nobody would be asked for it, or told of anything.
        raise WrongSetting(f"{of} names {path}, which is empty: write the value into it, or leave {of} out")
    if "\0" in value:
        raise WrongSetting(f"{of} names {path}, which has a NUL in it: it is no text")
    return value


def _from_running_demo() -> dict[str, Any]:
    """Return what the demo beside this checkout says of itself; nothing when the environment names a database."""
    if {"DATABASE_URL", "DATABASE_URL_FILE"} & os.environ.keys() or not STATE_FILE.exists():
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
            "MAINSTAY_READ_ONLY": state.get("read_only", "false"),
            **_alerts(state.get("alerts", {})),
        }
    except (OSError, ValueError, KeyError) as error:
        sentence = f"{STATE_FILE} cannot be used ({error!r}): stop the demo, run `make clean`, start again"
        raise WrongSetting(sentence) from None


def _alerts(said: Mapping[str, str]) -> dict[str, str]:
    """Whom the demo's alerts tell, for commands to test as pages do; what this environment names itself stands."""
    named = {name.removesuffix("_FILE") for name in os.environ}
    free = {name: value for name, value in said.items() if name.removesuffix("_FILE") not in named}
    return {**{name: value for name, value in free.items() if not name.endswith("_FILE")}, **_from_files(free)}


def _sentence(problem: Mapping[str, Any]) -> str:
    name, *inside = [str(part) for part in problem["loc"]] or [""]
    where = f"{'.'.join(inside)} " if inside else ""
    text = "is not set" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")
    example = f" (example: {EXAMPLES[name]})" if name in EXAMPLES else ""
    return f"{name}: {where}{text}{example}" if name else text
