"""A snapshot travels as text."""

from __future__ import annotations

import pytest

from reliability.degradation.domain.snapshot import Unreadable, packed, unpacked
from reliability.kernel.clock import SYSTEM
from tests.unit.degradation.test_agent import snapshot


def test_snapshots_are_the_same_after_they_were_text() -> None:
    once = unpacked(packed(snapshot(5, 2)))
    assert unpacked(packed(once)) == once
    assert once.flags["recommendations"].standing(SYSTEM.now()).level == 2
    for text in ("", "[]", "{}", '{"revision":1,"at":0,"flags":[]}', '{"revision":1,"at":1e99,"flags":{}}', "9" * 5000):
        with pytest.raises(Unreadable):
            unpacked(text)
