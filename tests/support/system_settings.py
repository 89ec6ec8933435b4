"""The settings of a scenario's processes: those of the tests, with less patience, so that scenarios are short."""

from __future__ import annotations

from tests import settings
from tests.settings import *  # noqa: F403 - all of them

DLQ_CANARY_PATIENCE_S = 1.0
# A new topic is found within one second instead of five.
KAFKA_CLUSTERS = {"main": {**settings.KAFKA_CLUSTERS["main"], "topic.metadata.refresh.interval.ms": "1000"}}
