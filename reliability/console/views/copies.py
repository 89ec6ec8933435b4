"""An act in another form, to be copied: quoted for a shell, the token left to the reader."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from django.http import HttpRequest

REASON = "…"
"""For the reader to fill in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One form of an act."""

    name: str
    text: str


def curl(request: HttpRequest, path: str, body: object = None, *, method: str = "POST", name: str = "") -> Copy:
    """Return a request to the API as a curl command."""
    url = request.build_absolute_uri(f"/api/v1{path}")
    parts = ["curl", "-sS", "-X", method, shlex.quote(url), "-H", '"Authorization: Bearer $MAINSTAY_TOKEN"']
    if body is not None:
        parts += ["-H", "'Content-Type: application/json'", "-d", shlex.quote(json.dumps(body, ensure_ascii=False))]
    return Copy(name=f"curl: {name}" if name else "curl", text=" ".join(parts))
