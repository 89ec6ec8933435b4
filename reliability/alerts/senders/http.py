"""One POST: no redirects, no proxy of the environment, no waiting for long, nothing kept of what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx
from django.conf import settings

from reliability.alerts.domain.answer import Answer, of_status
from reliability.alerts.domain.channels import Channel

READ_MAX: Final = 65_536
"""Bytes of an answer that are read at most, and thrown away."""


def post(channel: Channel, *, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send ``body`` and return what the status means; raises ``httpx.HTTPError``, ``OSError``."""
    told = {"user-agent": f"Mainstay/{getattr(settings, 'MAINSTAY_VERSION', '')}", "content-type": "application/json"}
    with (
        httpx.Client(timeout=channel.timeout_s, follow_redirects=False, trust_env=False) as client,
        client.stream("POST", url, content=body, headers={**told, **headers}) as answer,
    ):
        return of_status(answer.status_code, retry_after=answer.headers.get("retry-after", ""))
