"""Tables of the alerts room."""

from __future__ import annotations

from reliability.alerts.models.deliveries import Delivery
from reliability.alerts.models.incidents import Alert, Happening, Incident
from reliability.alerts.models.rules import Mute, Rule, Turn

__all__ = ["Alert", "Delivery", "Happening", "Incident", "Mute", "Rule", "Turn"]
