"""Whom a demo's alerts tell: its own pager, which leads back to the console, unless somebody named channels.

So a stranger sees what people on call would get.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

NAME = "demo-pager"
URL, CHANNELS = "MAINSTAY_URL", "MAINSTAY_ALERT_CHANNELS"


def environment(*, url: str, secret: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that say whom to tell, for the demo's processes and for commands beside it.

    ``given`` is the environment of whoever started the demo: each that it names, also as a file, stands.
    """
    signed = f"whsec_{base64.b64encode(secret.encode()).decode()}"
    hook = {"kind": "webhook", "url": f"{url}/demo/pager/", "secret": signed, "allow": ["127.0.0.1/32"]}
    own = {URL: url, CHANNELS: json.dumps({NAME: hook})}
    named = {name: value for name, value in given.items() if value and name.removesuffix("_FILE") in own}
    free = {name: value for name, value in own.items() if name not in named and f"{name}_FILE" not in named}
    return {**free, **named}
