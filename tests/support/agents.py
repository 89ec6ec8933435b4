"""The threads of this process that keep breakers and flags true."""

from __future__ import annotations

from reliability.breakers import registry as breakers
from reliability.degradation import registry as flags
from reliability.degradation.fallback import cache as fallbacks


def end() -> None:
    """End those that run, and know nothing, as in a process that begins."""
    if breakers._agent is not None and breakers._agent._pulse._thread is not None:
        breakers._agent.stop()
        breakers._agent.renew()
    if flags._agent is not None and flags._agent._thread is not None:
        flags._agent.stop()
        flags._agent.renew()
        flags._agent.snapshot = None
    if fallbacks._keeper is not None and fallbacks._keeper._thread is not None:
        fallbacks._keeper.stop()
        fallbacks._keeper.renew()
