"""Whom alerts are told: channels by name, as JSON. A value ending in ``_file`` names a file that holds the secret."""

from __future__ import annotations

from base64 import b64decode
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

NAME = r"^[a-z0-9][a-z0-9._-]{0,39}$"
SIGNING_PREFIX = "whsec_"
SECRET_BYTES_MIN = 24
_PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"


def _from_files(given: Any) -> Any:
    """Take values from the files that ``<key>_file`` names."""
    if not isinstance(given, dict):
        return given
    found = dict(given)
    for key in [each for each in given if isinstance(each, str) and each.endswith("_file")]:
        path = found.pop(key)
        if key.removesuffix("_file") in found:
            raise ValueError(f"says both {key.removesuffix('_file')} and {key}")
        try:
            found[key.removesuffix("_file")] = Path(str(path)).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise ValueError(f"{key} names {path}, which cannot be read: {error}") from None
    return found


class _Channel(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    allow: list[str] = []
    """Networks, such as 10.2.0.0/16, to which it may lead although they are not public."""
    timeout_s: float = Field(default=10.0, ge=1, le=30)

    @field_validator("allow")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        for each in value:
            try:
                ip_network(each)
            except ValueError as error:
                raise ValueError(f"{each} is no network: {error}; one is 10.2.0.0/16") from None
        return value


def _is_http(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is no address of a web server, such as https://alerts.example/hook")
    if parts.username or parts.password:
        raise ValueError("must not hold a user or a password: whoever reads a log would read them")
    return value


Address = Annotated[str, Field(max_length=2_000), BeforeValidator(lambda value: _is_http(value) if value else value)]


class Webhook(_Channel):
    """A signed POST, as Standard Webhooks has it. ``secret`` is what both sides know: at least 24 bytes, in base64."""

    kind: Literal["webhook"]
    url: Address
    secret: str = Field(max_length=500, repr=False)

    @field_validator("secret")
    @classmethod
    def _is_what_libraries_read(cls, value: str) -> str:
        try:
            key = b64decode(value.removeprefix(SIGNING_PREFIX), validate=True)
        except ValueError:
            key = b""
        if not value.startswith(SIGNING_PREFIX) or len(key) < SECRET_BYTES_MIN:
            raise ValueError(
                f"must be {SIGNING_PREFIX} and then at least {SECRET_BYTES_MIN} bytes in base64, "
                "as receivers' libraries read it; "
                f'make one with: echo "{SIGNING_PREFIX}$(openssl rand -base64 32)"'
            )
        return value


class PagerDuty(_Channel):
    """PagerDuty's Events API v2. ``routing_key`` is the integration key of a service."""

    kind: Literal["pagerduty"]
    routing_key: str = Field(min_length=20, max_length=64, pattern=r"^[A-Za-z0-9]+$", repr=False)
    url: Address = _PAGERDUTY


class Slack(_Channel):
    """An incoming webhook of Slack, or of what speaks like it. The address is the secret."""

    kind: Literal["slack"]
    url: Address = Field(repr=False)


class Email(_Channel):
    """Mail over SMTP, encrypted unless said otherwise."""

    kind: Literal["email"]
    host: str = Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:_-]+$")
    port: int = Field(default=587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = Field(default="", max_length=320)
    password: str = Field(default="", max_length=500, repr=False)
    sender: str = Field(max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")
    to: list[Annotated[str, Field(max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")]] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _keeps_its_password(self) -> Email:
        if self.password and self.security == "none":
            raise ValueError("would send its password for everybody to read: security is starttls or tls")
        return self


class Apprise(_Channel):
    """Anything that the library Apprise can reach, by one of its addresses. The address is the secret."""

    kind: Literal["apprise"]
    url: str = Field(min_length=3, max_length=2_000, pattern=r"^[a-z0-9+-]+://", repr=False)


Channel = Annotated[
    Annotated[Webhook | PagerDuty | Slack | Email | Apprise, Field(discriminator="kind")], BeforeValidator(_from_files)
]
Channels = dict[Annotated[str, Field(pattern=NAME)], Channel]
