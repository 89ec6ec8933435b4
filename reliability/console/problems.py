"""Errors of the API as problem documents (RFC 9457): what happened in a sentence, a stable code, the trace id."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from reliability.console import outage
from reliability.kernel.errors import Refused, Transient
from reliability.kernel.telemetry import tracing

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
BUSY = "The console is busy, not down. Nothing was done; try again in a second."
BUSY_RETRY_AFTER_S = 1


def answer(
    request: HttpRequest, *, status: int, code: str, detail: str, errors: Sequence[dict[str, str]] = ()
) -> HttpResponse:
    """A problem document. ``code`` is a slug that never changes its meaning; ``errors`` name single fields."""
    told = _document(status=status, code=code, detail=detail, path=request.path)
    if errors:
        told["errors"] = list(errors)
    response = HttpResponse(orjson.dumps(told), status=status, content_type=CONTENT_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="mainstay"'
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def document(refused: Refused, *, path: str) -> dict[str, Any]:
    """Return the problem of a refusal, for who answers without a Django request."""
    return _document(status=refused.status, code=refused.code, detail=str(refused), path=path)


def _document(*, status: int, code: str, detail: str, path: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "instance": path,
        "trace_id": tracing.current_trace_id(),
    }


def busy(request: HttpRequest) -> HttpResponse:
    """More is asked than there are connections for: this one request was not served."""
    response = answer(request, status=503, code="busy", detail=BUSY)
    response.headers["Retry-After"] = str(BUSY_RETRY_AFTER_S)
    return response


def install(api: NinjaAPI) -> None:
    """Answer every error of this API with a problem document."""
    api.add_exception_handler(Refused, _refused)
    api.add_exception_handler(Transient, _dependency_down)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(AuthenticationError, _not_signed_in)
    api.add_exception_handler(HttpError, _http_error)
    api.add_exception_handler(Http404, _not_found)
    api.add_exception_handler(PermissionDenied, _permission_denied)
    api.add_exception_handler(SuspiciousOperation, _suspicious)
    api.add_exception_handler(Exception, _unexpected)


def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    return answer(request, status=error.status, code=error.code, detail=str(error))


def _dependency_down(request: HttpRequest, error: Any) -> HttpResponse:
    log.warning("dependency_down", error=str(error), path=request.path)
    return answer(request, status=503, code="dependency-down", detail=str(error))


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    errors = [_field_error(each) for each in error.errors]
    named = ", ".join(each["field"] for each in errors[:3])
    return answer(request, status=422, code="invalid", detail=f"The request is not valid: {named}.", errors=errors)


def _field_error(error: dict[str, Any]) -> dict[str, str]:
    """One field and what is wrong with it; what was given stays out, it may be a secret."""
    place = [str(part) for part in error.get("loc", ())]
    return {"field": ".".join(place), "message": str(error.get("msg", "")), "kind": str(error.get("type", ""))}


def _not_signed_in(request: HttpRequest, error: Any) -> HttpResponse:
    detail = "Sign in, or send a valid token: Authorization: Bearer mst_..."
    return answer(request, status=401, code="not-signed-in", detail=detail)


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    if isinstance(error.__cause__, Refused):  # our reader of bodies says what is wrong, in a sentence
        return _refused(request, error.__cause__)
    phrase = HTTPStatus(error.status_code).phrase
    return answer(request, status=error.status_code, code=phrase.lower().replace(" ", "-"), detail=str(error))


def _not_found(request: HttpRequest, error: Any) -> HttpResponse:
    text = str(error.args[0]) if error.args and isinstance(error.args[0], str) else ""
    return answer(request, status=404, code="not-found", detail=text or "There is nothing at this address.")


def _permission_denied(request: HttpRequest, error: Any) -> HttpResponse:
    return answer(request, status=403, code="denied", detail=str(error) or "You may not do this.")


def _suspicious(request: HttpRequest, error: Any) -> HttpResponse:
    status = 413 if isinstance(error, RequestDataTooBig) else 400
    return answer(request, status=status, code="too-large" if status == 413 else "bad-request", detail=str(error))


def _unexpected(request: HttpRequest, error: Any) -> HttpResponse:
    if outage.no_connection(error):
        raise error  # the middleware finds out whether the database is down or the console busy
    log.error("request_failed", path=request.path, method=request.method, exc_info=error)
    detail = "Something went wrong on our side. Give this trace id to whoever runs the console."
    return answer(request, status=500, code="unexpected", detail=detail)
