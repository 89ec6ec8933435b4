"""Signing in at an identity provider: to it, and back with its answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import structlog
from allauth.account import views as account_views
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from reliability.access import oidc
from reliability.access.oidc import provider
from reliability.kernel.errors import Refused
from reliability.kernel.text import printable

log = structlog.get_logger(__name__)

PARAMETERS = ("code", "state", "error", "iss")
PARAMETER_CHARS_MAX = 4_000


@require_safe
@never_cache
def start(request: HttpRequest) -> HttpResponseBase:
    """Send the browser to the identity provider. A link on another site only leads to the login page."""
    if oidc.current() is None:
        raise Http404
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return redirect("account_login")
    found = get_adapter(request).get_provider(request, provider=provider.PROVIDER)
    try:
        answer: HttpResponseBase = found.redirect(
            request, process=AuthProcess.LOGIN, next_url=get_next_redirect_url(request)
        )
    except oidc.SignInFailed as failed:
        return refusal(request, failed)
    return answer


class _Callback(OAuth2CallbackView):  # type: ignore[misc]  # allauth has no types
    """allauth's, which hands the nonce of the state on to what verifies the ID token."""

    def _get_state(self, request: HttpRequest, found: Any) -> tuple[Any, Any]:
        state, answer = super()._get_state(request, found)
        self.adapter.nonce = ((state or {}).get("data") or {}).get(provider.NONCE, "")
        return state, answer


@require_safe
@never_cache
def callback(request: HttpRequest) -> HttpResponseBase:
    """Take the provider's answer: whoever it proves is signed in, anything else is a sentence."""
    config = oidc.current()
    if config is None:
        raise Http404
    given = [request.GET.getlist(name) for name in PARAMETERS]
    if any(len(values) > 1 or any(len(value) > PARAMETER_CHARS_MAX for value in values) for values in given):
        return refusal(request, oidc.NotProven("a parameter came twice, or is too long"))
    if request.GET.get("iss", config.issuer) != config.issuer:  # RFC 9207: an answer of another provider
        return refusal(request, oidc.NotProven("the answer is another provider's"))
    answer: HttpResponseBase = _Callback.adapter_view(provider.Adapter(request))(request)
    return answer


class _Logout(account_views.LogoutView):  # type: ignore[misc]  # allauth has no types
    """allauth's, which leads on to what else there is to end."""

    def get_redirect_url(self) -> str:
        """The page that says so."""
        records = get_authentication_records(self.request, self.request.user)
        elsewhere = any(record.get("method") == "socialaccount" for record in records)
        return reverse("signed_out") + ("?provider" if elsewhere else "")


logout = _Logout.as_view()


@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    """Say that the session ended, and offer to end that at the provider."""
    context: dict[str, object] = {"provider": "", "end_session_url": ""}
    config = oidc.current()
    if config is not None and "provider" in request.GET:
        context["provider"] = config.name
        context["end_session_url"] = _end_session_url(request, config)
    return render(request, "account/signed_out.html", context)


def _end_session_url(request: HttpRequest, config: oidc.Config) -> str:
    """Where the provider ends its own session, "" when it does not offer that or does not answer."""
    try:
        address = oidc.issuer_of(config).metadata().end_session
    except oidc.NotReached:
        return ""
    back = request.build_absolute_uri(reverse("account_login"))
    asked = urlencode({"client_id": config.client_id, "post_logout_redirect_uri": back})
    return f"{address}{'&' if '?' in address else '?'}{asked}" if address else ""


def refusal(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Say why nobody was signed in, and what to do; the log has what only who runs the console should know."""
    why = getattr(refused, "why", str(refused))
    log.warning("sign_in_refused", code=refused.code, why=printable(why, limit=400))
    config = oidc.current()
    context = {"reason": str(refused), "code": refused.code, "provider": config.name if config else ""}
    status = refused.status if refused.status in list(HTTPStatus) else HTTPStatus.UNAUTHORIZED
    response = render(request, "account/sign_in_refused.html", context, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response
