"""Why somebody is not let in. The sentence is for who sits there; ``why`` is for the log of who runs the console."""

from __future__ import annotations

from allauth.socialaccount.providers.oauth2.client import OAuth2Error

from reliability.kernel.errors import Refused


class SignInFailed(Refused, OAuth2Error):  # type: ignore[misc]  # allauth has no types
    """The sign-in did not work. Try it again."""

    code = "sign-in-failed"
    status = 401

    def __init__(self, why: str = "", *, say: str = "") -> None:
        super().__init__(say)
        self.why = why or str(self)


class NotProven(SignInFailed):
    """What the identity provider sent does not prove who you are. Begin the sign-in anew; nothing was changed."""

    code = "not-proven"


class NotReached(SignInFailed):
    """The identity provider does not answer as it should. Try again in a while, or sign in with a password."""

    code = "provider-down"
    status = 503
