"""allauth's OpenID Connect, made strict: what it leaves open is checked here (see ``oidc/id_tokens.py``).

allauth brings the states (bound to the session, used once),
PKCE, and the way from a known person to a session with its stages.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from typing import Any
from urllib.parse import quote, urlencode

from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base import ProviderAccount
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from reliability.access.domain import standing
from reliability.access.oidc import asking, id_tokens
from reliability.access.oidc.config import Config
from reliability.access.oidc.issuer import Issuer, issuer_of
from reliability.access.oidc.refusals import NotProven
from reliability.kernel import clock

PROVIDER = "oidc"
NONCE = "nonce"
CODE_CHARS_MAX = 4_000


class Adapter(OAuth2Adapter):  # type: ignore[misc]  # allauth has no types
    """From the code of the callback to verified claims."""

    provider_id = PROVIDER
    nonce = ""
    """That of this sign-in, from the state that the callback was matched with."""

    @property
    def issuer(self) -> Issuer:
        """The provider that is asked."""
        config: Config = self.get_provider().config
        return issuer_of(config)

    def get_client(self, request: HttpRequest, app: Any) -> None:
        """allauth's client is not used: it takes answers of any size, from anywhere a redirect leads."""

    def get_access_token_data(
        self, request: HttpRequest, app: Any, client: None, pkce_code_verifier: str | None = None
    ) -> dict[str, Any]:
        """Exchange the code; raises ``SignInFailed``."""
        config, code = self.issuer.config, request.GET.get("code", "")
        if not code or len(code) > CODE_CHARS_MAX:
            raise NotProven("the code is missing or too long")
        metadata = self.issuer.metadata()
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback_url(request),
            "code_verifier": pkce_code_verifier or "",
        }
        headers = {}
        if config.client_secret and metadata.takes_basic:
            pair = f"{quote(config.client_id, safe='')}:{quote(config.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            fields["client_id"] = config.client_id
            if config.client_secret:
                fields["client_secret"] = config.client_secret
        status, told = asking.post(config, metadata.token, fields=fields, headers=headers)
        if status != 200:
            raise NotProven(f"the provider refused the code: {str(told.get('error'))[:100]}")
        return told

    def parse_token(self, data: dict[str, Any]) -> None:
        """The provider's own tokens are not kept: nothing here needs them after the sign-in."""

    def complete_login(self, request: HttpRequest, app: Any, token: None, **kwargs: Any) -> SocialLogin:
        """Return who this is; raises ``SignInFailed``."""
        told: dict[str, Any] = kwargs["response"]
        now = clock.SYSTEM.now()
        claims = id_tokens.verified(told.get("id_token"), issuer=self.issuer, nonce=self.nonce, now=now)
        if self.issuer.config.userinfo:
            claims = {**self._userinfo(told, claims["sub"]), **claims}
        subject, issuer = claims["sub"], claims["iss"]
        uid = standing.uid(issuer=issuer, subject=subject)
        account = SocialAccount(provider=PROVIDER, uid=uid, extra_data={"iss": issuer, "sub": subject})
        login = SocialLogin(user=get_user_model()(), account=account, provider=self.get_provider())
        login.claims = claims
        return login

    def _userinfo(self, told: dict[str, Any], subject: str) -> dict[str, Any]:
        """More claims of the same person; those of the signed token win over them."""
        access_token, address = told.get("access_token"), self.issuer.metadata().userinfo
        if not address:
            raise NotProven("MAINSTAY_OIDC_USERINFO is set, but the provider has no userinfo endpoint")
        if not isinstance(access_token, str) or not access_token.isascii() or not access_token.isprintable():
            raise NotProven("there is no usable access token to ask userinfo with")
        found = asking.get(self.issuer.config, address, bearer=access_token)
        if found.get("sub") != subject:
            raise NotProven("userinfo is about somebody else than the ID token")
        return found


class Provider(OAuth2Provider):  # type: ignore[misc]  # allauth has no types
    """The identity provider of the settings."""

    id = PROVIDER
    name = "OpenID Connect"
    account_class = ProviderAccount
    oauth2_adapter_class = Adapter

    @property
    def config(self) -> Config:
        """As the settings say."""
        config: Config = self.app.config
        return config

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> HttpResponseRedirect:
        """Send the browser to the provider; raises ``NotReached``."""
        metadata = issuer_of(self.config).metadata()
        pkce, nonce = generate_code_challenge(), secrets.token_urlsafe(32)
        verifier = pkce.pop("code_verifier")
        state = self.stash_redirect_state(request, process, next_url, {NONCE: nonce}, pkce_code_verifier=verifier)
        asked = {
            "client_id": self.config.client_id,
            "redirect_uri": callback_url(request),
            "response_type": "code",
            "scope": " ".join(self.config.scopes),
            "state": state,
            "nonce": nonce,
            **pkce,
        }
        glue = "&" if "?" in metadata.authorization else "?"
        return HttpResponseRedirect(f"{metadata.authorization}{glue}{urlencode(asked)}")


def callback_url(request: HttpRequest) -> str:
    """Where the provider sends people back to; to be named to it beforehand."""
    return request.build_absolute_uri(reverse("sso_callback"))
