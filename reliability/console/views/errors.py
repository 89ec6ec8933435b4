"""Error pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403."""
    return HttpResponse("Forbidden", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404."""
    return HttpResponse("Not found", status=404)


def broken(request: HttpRequest) -> HttpResponse:
    """Answer 500."""
    return HttpResponse("Error", status=500)
