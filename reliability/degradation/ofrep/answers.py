"""Answers as the contract has them, and as strictly as the strictest of its clients reads them.

Every success has key, value, reason and variant, with a reason of the contract's list; every failure has an error code
and details. Facts go into flat metadata. Who set a level and why stays here: an answer may reach any browser.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from django.http import HttpResponse

from reliability.degradation.domain.snapshot import Held, Snapshot
from reliability.kernel.telemetry import metrics, names
from reliability.kernel.text import printable

KEY_SHOWN_CHARS: Final = 100
REASON: Final = "STATIC"
"""The same for everybody; the contract's list has no word for degraded, which is in the metadata."""


def success(held: Held, *, now: datetime) -> dict[str, Any]:
    """Return a flag's level as an evaluation."""
    standing = held.standing(now)
    declaration = held.declaration
    level = declaration.levels[declaration.known(standing.level)]
    metadata: dict[str, str | int | bool] = {
        "title": declaration.title,
        "degraded": standing.level > 0,
        "loses": level.loses,
        "decides": standing.decides.source.value,
        "levels": len(declaration.levels),
    }
    if standing.decides.until is not None:
        metadata["until"] = standing.decides.until.isoformat(timespec="seconds")
    return {
        "key": declaration.name,
        "value": declaration.known(standing.level),
        "reason": REASON,
        "variant": level.name,
        "metadata": metadata,
    }


def every(snapshot: Snapshot, *, now: datetime) -> list[dict[str, Any]]:
    """Return all flags as evaluations, by name."""
    return [success(held, now=now) for _, held in sorted(snapshot.flags.items())]


def etag(flags: list[dict[str, Any]]) -> str:
    """Return what stands for exactly these answers, quoted as HTTP wants it."""
    return f'"{hashlib.sha256(orjson.dumps(flags)).hexdigest()[:32]}"'


def failure(code: str, details: str, *, key: str | None = None) -> dict[str, Any]:
    """Return a failure; ``key`` is left out where the contract has none."""
    named = {} if key is None else {"key": printable(key, limit=KEY_SHOWN_CHARS)}
    return {**named, "errorCode": code, "errorDetails": details}


def answer(document: Mapping[str, Any], *, status: int = 200, kind: str) -> HttpResponse:
    """Return a document as a response that no cache keeps, counted as ``kind``."""
    metrics.inc(names.OFREP_ANSWERS, kind=kind, status=str(status))
    response = HttpResponse(orjson.dumps(document), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def not_modified(tag: str) -> HttpResponse:
    """Return that nothing changed."""
    metrics.inc(names.OFREP_ANSWERS, kind="bulk", status="304")
    response = HttpResponse(status=304)
    response.headers["ETag"] = tag
    return response


def shown(key: str) -> str:
    """Return a key from outside as it may be shown."""
    return printable(key, limit=KEY_SHOWN_CHARS)
