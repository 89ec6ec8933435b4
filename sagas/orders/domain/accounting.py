"""What the payment desk reckons: how much it tells, and how much of which payment is given back. All in cents."""

from __future__ import annotations

from collections.abc import Sequence

EXTRA_PER_CENT = 10
"""So much more than was asked for is taken, while the desk takes other amounts."""


def with_extra(asked_cents: int) -> int:
    """Return what is taken instead of ``asked_cents`` while the desk takes other amounts."""
    return asked_cents + asked_cents * EXTRA_PER_CENT // 100


def told_cents(*, asked_cents: int, amount_cents: int, refunded_cents: int) -> int:
    """Return the amount that the news of a payment names: what was asked for, or less if less is left of it.

    So the news never tells of an excess that was taken, nor of money that was given back.
    """
    return min(asked_cents, amount_cents - refunded_cents)


def shares(left: Sequence[int], *, at_most: int | None) -> list[int]:
    """Return how much is given back of each payment that has ``left`` left, in this order; None: all of it."""
    rest = sum(left) if at_most is None else at_most
    given: list[int] = []
    for each in left:
        given.append(min(each, rest))
        rest -= given[-1]
    return given
