"""A channel: one way by which people are told. Deployments name them; nothing typed into a page makes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from reliability.alerts.domain.addresses import Network
from reliability.kernel.errors import Refused

Kind = Literal["webhook", "pagerduty", "slack", "email", "apprise"]
KINDS: Final[tuple[Kind, ...]] = ("webhook", "pagerduty", "slack", "email", "apprise")
TITLES: Final[dict[str, str]] = {
    "webhook": "Signed webhook",
    "pagerduty": "PagerDuty",
    "slack": "Slack",
    "email": "Mail",
    "apprise": "Apprise",
}


class WrongChannel(Refused):
    """A channel of the settings cannot be like this."""

    code = "wrong-channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel of the settings. What a kind does not have is empty."""

    name: str
    kind: Kind
    url: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    routing_key: str = field(default="", repr=False)
    host: str = ""
    port: int = 0
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""
    to: tuple[str, ...] = ()
    allow: tuple[Network, ...] = ()
    timeout_s: float = 10.0

    @property
    def leads_to(self) -> str:
        """Return where it leads, without what is secret: an address may be one."""
        if self.kind == "email":
            return f"{', '.join(self.to)} by {self.host}:{self.port}"
        if self.kind == "apprise":
            return f"{self.url.partition('://')[0]}://…"
        return urlsplit(self.url).hostname or ""


def read(name: str, given: Mapping[str, Any]) -> Channel:
    """Return a channel from a setting's plain values; raises ``WrongChannel``."""
    known = {each.name for each in fields(Channel)} - {"name"}
    unknown = sorted(str(key) for key in given if key not in known)
    if unknown:
        raise WrongChannel(f"The channel {name} has {unknown[0]!r}, which channels do not have.")
    if given.get("kind") not in KINDS:
        raise WrongChannel(f"The channel {name} is of no kind that there is: {', '.join(KINDS)}.")
    try:
        allow = tuple(ip_network(each) for each in given.get("allow", ()))
    except ValueError as error:
        raise WrongChannel(f"The channel {name} allows what is no network: {error}.") from error
    return Channel(**{**given, "name": name, "to": tuple(given.get("to", ())), "allow": allow})
