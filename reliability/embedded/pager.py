"""The demo's pager: a channel that leads back to the console, so that a stranger sees what on-call people would get."""

from __future__ import annotations

import json
from typing import Any

NAME = "demo-pager"


def channels(*, url: str, secret: str) -> dict[str, Any]:
    """Return the alert channels of a demo that names none: one signed webhook to the demo shop's page."""
    return {NAME: {"kind": "webhook", "url": f"{url}/demo/pager/", "secret": secret, "allow": ["127.0.0.1/32"]}}


def environment(*, url: str, secret: str) -> dict[str, str]:
    """The variables that name it to a process."""
    return {"MAINSTAY_URL": url, "MAINSTAY_ALERT_CHANNELS": json.dumps(channels(url=url, secret=secret))}
