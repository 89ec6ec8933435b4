"""The settings of a scenario's processes: those of the tests, with less patience, so that scenarios are short."""

from __future__ import annotations

from tests.settings import *  # noqa: F403 - all of them

DLQ_CANARY_PATIENCE_S = 1.0
