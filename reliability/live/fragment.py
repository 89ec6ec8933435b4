"""Answer a region's question for itself: nothing when its rows are the same, else its HTML."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.template import loader


def version_of(source: object) -> str:
    """A short hash of what a region shows: rows, counts, states; not ages, which the page counts by itself.

    Anything that JSON or ``str`` can say; dictionaries in any order.
    """
    packed = orjson.dumps(source, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return blake2b(packed, digest_size=12).hexdigest()


def respond(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, rows_hash_source: object
) -> HttpResponse:
    """204 when the page has this version already (``?v=`` or ``If-None-Match``), else the rendered template.

    The version goes back as ``ETag`` and is ``fragment_version`` in the template. Rows are to be read, and rights
    checked, before this call: equality is decided by what is in PostgreSQL, never by a hint.
    """
    version = version_of([template, rows_hash_source])
    known = {request.GET.get("v", ""), request.headers.get("If-None-Match", "").removeprefix("W/").strip('"')}
    if version in known:
        response = HttpResponse(status=204)
    else:
        rendered = loader.render_to_string(template, {**context, "fragment_version": version}, request=request)
        response = HttpResponse(rendered)
    response.headers["ETag"] = f'"{version}"'
    response.headers["Cache-Control"] = "no-store"
    return response
