"""What single rooms may be told: the outbox, dead letters, lag, reconciliations, flags."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from reliability.environment.words import Json, Words


class Rooms(BaseSettings):
    """The settings of single rooms."""

    MAINSTAY_OUTBOX_NAME: str = "main"
    """What this database's outbox is called; part of the numbers of its events, so never changed."""
    MAINSTAY_OUTBOX_WAITS_FOR: Annotated[dict[str, list[str]], *Json] = {}
    """Breakers by topic, as JSON: while one is open, the relay holds the topic's events back, in order."""
    MAINSTAY_DLQ_TOPIC_PATTERNS: Words = []
    """Regular expressions of dead-letter topics; empty means the usual names (see ``settings``)."""
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
