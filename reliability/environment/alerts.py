"""Where alerts go, and the address that they lead back to."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from reliability.environment.channels import Channels
from reliability.environment.words import Json


class Alerts(BaseSettings):
    """The settings of the alerts room."""

    MAINSTAY_URL: str = ""
    """The console's own address, such as https://mainstay.example: messages lead back to it."""
    MAINSTAY_ALERT_CHANNELS: Annotated[Channels, *Json] = Field(default={}, max_length=20)
    """Whom alerts are told, by name, as JSON (README, Be told)."""

    @field_validator("MAINSTAY_URL")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("is no address of this console")
        return value.rstrip("/")
