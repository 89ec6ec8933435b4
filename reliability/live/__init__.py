"""Live pages: hints, the one websocket, heartbeats. ``live.changed("letters")`` is all a writer needs."""

from __future__ import annotations

from reliability.live.hints import changed

__all__ = ["changed"]
