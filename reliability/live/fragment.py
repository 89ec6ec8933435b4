"""Answer a region's question for itself: nothing when its rows are the same, else its HTML."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
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


def asked_for(request: HttpRequest) -> str:
    """The id of the region that a page's script asks for, "" for the whole page."""
    if request.headers.get("HX-Request") != "true" or request.headers.get("HX-History-Restore-Request") == "true":
        return ""
    return request.headers.get("X-Region") or request.headers.get("HX-Target", "")


def page(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, regions: Mapping[str, object], status: int = 200
) -> HttpResponse:
    """Answer with one region of a page, with 204 when the page has those rows, or with the whole page.

    ``regions`` maps a partial's name to what it shows, for its hash. A region's
    ``data-hash`` is ``versions.<name>``.
    """
    versions = {name: version_of([f"{template}#{name}", source]) for name, source in regions.items()}
    full = {**context, "versions": versions}
    asked = asked_for(request)
    if asked in regions:
        return respond(request, f"{template}#{asked}", full, rows_hash_source=regions[asked])
    response = render(request, template, full, status=status)
    response.headers["Cache-Control"] = "no-store"  # behind a login: no copy on a shared machine
    response.headers["Vary"] = "HX-Request, X-Region, HX-Target, Cookie"
    return response
