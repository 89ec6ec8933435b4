"""The one way a start is refused."""

from __future__ import annotations


class Refusal(Exception):
    """The start is refused; the text is one sentence that says why and what to do, and is shown without a stack."""
