"""What beat sends is taken by workers whose clocks go wrong."""

from __future__ import annotations

from reliability.kernel.clock import CLOCKS_APART_S
from reliability.settings import schedule


def test_no_message_is_over_before_clocks_may_differ() -> None:
    assert schedule.SCHEDULE.keys() == schedule.EVERY_S.keys() <= schedule.ROUTES.keys()
    for name, line in schedule.SCHEDULE.items():
        assert line["options"]["expires"] >= max(CLOCKS_APART_S, line["schedule"]), name
