"""What allauth asks of this project while somebody comes back from the identity provider."""

from __future__ import annotations

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError
from django.http import HttpRequest

from reliability.access import oidc
from reliability.access.oidc.provider import PROVIDER
from reliability.access.views import single_sign_on
from reliability.console.operations import identities
from reliability.kernel.errors import Refused


class Cancelled(Refused):
    """The sign-in was cancelled at the identity provider. Nothing was changed."""

    code = "cancelled"
    status = 401


class Adapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """One provider, from the settings alone; nobody is ever found by an e-mail; refusals are pages of ours."""

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        """The provider of the settings, if there is one; what stands in the database is not asked."""
        config = oidc.current()
        if config is None:
            return []
        app = SocialApp(provider=PROVIDER, provider_id=PROVIDER, client_id=config.client_id, name=config.name)
        app.config = config
        return [app]

    def authenticate_by_email(self, sociallogin: SocialLogin) -> None:
        """Nobody: an e-mail proves nothing about who owns an account here."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Never by itself: ``pre_social_login`` makes the accounts."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Make or change the account as the claims say, before anybody is signed in; or refuse."""
        config = oidc.current()
        if config is None:  # taken out of the settings while somebody was away
            raise ImmediateHttpResponse(single_sign_on.refusal(request, oidc.SignInFailed()))
        try:
            admitted = identities.admit(
                claims=sociallogin.claims, issuer=config.issuer, rules=config.rules, uid=sociallogin.account.uid
            )
        except Refused as refused:
            raise ImmediateHttpResponse(single_sign_on.refusal(request, refused)) from refused
        sociallogin.account, sociallogin.user = admitted, admitted.user

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Any = None,
        extra_context: Any = None,
    ) -> None:
        """Answer with a page of ours; allauth's would show the error of the library."""
        if error == AuthError.CANCELLED:
            refused: Refused = Cancelled()
        elif isinstance(exception, Refused):
            refused = exception
        else:
            why = type(exception).__name__ if exception else "an error, or the state is not this browser's"
            refused = oidc.NotProven(why)
        raise ImmediateHttpResponse(single_sign_on.refusal(request, refused))
