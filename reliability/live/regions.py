"""A page and its live regions from one template: the whole page, or the one region that asks for itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render as render_page

from reliability.live import fragment


def asked_for(request: HttpRequest) -> str:
    """The id of the region that a page's script asks for, "" for the whole page."""
    if request.headers.get("HX-Request") != "true" or request.headers.get("HX-History-Restore-Request") == "true":
        return ""
    return request.headers.get("X-Region") or request.headers.get("HX-Target", "")


def render(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, regions: Mapping[str, object], status: int = 200
) -> HttpResponse:
    """Answer with a region's partial of ``template``, with 204 when the page has those rows, or with the whole page.

    ``regions`` maps a partial's name to what it shows, for its hash. A region's ``data-hash`` is ``versions.<name>``.
    """
    versions = {name: fragment.version_of([f"{template}#{name}", source]) for name, source in regions.items()}
    full = {**context, "versions": versions}
    asked = asked_for(request)
    if asked in regions:
        return fragment.respond(request, f"{template}#{asked}", full, rows_hash_source=regions[asked])
    response = render_page(request, template, full, status=status)
    response.headers["Cache-Control"] = "no-store"  # behind a login: no copy on a shared machine
    response.headers["Vary"] = "HX-Request, X-Region, HX-Target, Cookie"
    return response
