"""The client's own log lines."""

from __future__ import annotations

import logging

from structlog.testing import capture_logs

from reliability.kafka.confluent.noise import EVERY_S, Throttled
from reliability.kernel.clock import ManualClock

LINE = "%s [%s] %s"


def test_a_facility_speaks_once_in_a_while_and_says_how_much_was_held_back() -> None:
    clock = ManualClock()
    throttled = Throttled("relay", time=clock)
    with capture_logs() as lines:
        for _ in range(50):
            throttled.log(logging.ERROR, LINE, "FAIL", "relay#1", "connection refused")
        throttled.log(logging.WARNING, LINE, "REQTMOUT", "relay#1", "timed out")
        clock.advance(EVERY_S)
        throttled.log(logging.ERROR, LINE, "FAIL", "relay#1", "connection refused again")
    assert [(line["log_level"], line["facility"], line["held_back"]) for line in lines] == [
        ("error", "FAIL", 0),
        ("warning", "REQTMOUT", 0),
        ("error", "FAIL", 49),
    ]
    assert lines[-1]["line"] == "FAIL [relay#1] connection refused again"
