"""The identity provider: how it is configured, what it is asked, what it must prove."""

from reliability.access.oidc.config import Config, current
from reliability.access.oidc.issuer import Issuer, issuer_of
from reliability.access.oidc.refusals import NotProven, NotReached, SignInFailed

__all__ = ["Config", "Issuer", "NotProven", "NotReached", "SignInFailed", "current", "issuer_of"]
