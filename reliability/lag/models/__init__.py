"""Tables of the lag room."""

from __future__ import annotations

from reliability.lag.models.alerts import Alert, Mute
from reliability.lag.models.events import Event
from reliability.lag.models.groups import Cluster, Group, Topic
from reliability.lag.models.resets import Reset
from reliability.lag.models.series import Minute, TenMinutes

__all__ = ["Alert", "Cluster", "Event", "Group", "Minute", "Mute", "Reset", "TenMinutes", "Topic"]
