"""The words that decide what happens after a failure.

``Transient`` and ``Permanent`` decide between a retry and a dead letter, ``Postponed`` says that nothing was tried;
``Refused`` tells an operator or an API client why an act was not done.
Other errors are defined beside the code that raises them.
"""

from __future__ import annotations


class MainstayError(Exception):
    """Something went wrong."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or _sentence_of(type(self)))


class Transient(MainstayError):
    """The same work may succeed later: retry it."""


class Postponed(Transient):
    """What the work needs is not to be asked now: the work was not tried.

    ``retry_after_s``: when to come again, in seconds. Who counts tries does not count this one.
    """

    retry_after_s: float = 1.0


class Permanent(MainstayError):
    """The same work can never succeed as it is: dead-letter it."""


class Refused(MainstayError):
    """The act was refused.

    ``code`` is a stable slug for machines, ``status`` the HTTP status a refusal is answered with.
    """

    code: str = "refused"
    status: int = 409


def _sentence_of(kind: type[BaseException]) -> str:
    """Return the first line of an error's docstring: the docstring is the message."""
    return (kind.__doc__ or kind.__name__).strip().splitlines()[0]
