"""The settings of a scenario's processes: those of the tests, with less patience, so that scenarios are short."""

from __future__ import annotations

from tests import settings
from tests.settings import *  # noqa: F403 - all of them

# Scenarios that run ten times sign in more often in a minute than people do.
ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "login": "1000/m/ip"}
DLQ_CANARY_PATIENCE_S = 1.0
# A new topic is found within one second instead of five.
KAFKA_CLUSTERS = {"main": {**settings.KAFKA_CLUSTERS["main"], "topic.metadata.refresh.interval.ms": "1000"}}
