"""How long to wait before the next attempt."""

from __future__ import annotations

from collections.abc import Callable

_EXPONENT_MAX = 32  # 2**32 times any base is beyond every cap in use; keeps the float finite for huge attempt numbers


def delay_s(*, attempt: int, base_s: float, cap_s: float, random: Callable[[], float]) -> float:
    """Return the wait before attempt ``attempt + 1``, in seconds: capped exponential with full jitter.

    ``attempt`` counts failures so far, from 1. ``random`` returns a float in [0, 1) and is given by the caller, so
    that the result is a pure function. Source: M. Brooker, "Exponential backoff and jitter" (full jitter).
    """
    if attempt < 1:
        raise ValueError("attempt counts from 1")
    ceiling = min(cap_s, base_s * 2.0 ** min(attempt - 1, _EXPONENT_MAX))
    return ceiling * random()
