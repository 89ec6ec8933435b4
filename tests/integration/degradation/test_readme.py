"""What the README says of breakers and levels is what happens."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reliability import degradation
from reliability.breakers import registry as breakers
from reliability.degradation import registry as flags

pytestmark = pytest.mark.django_db(transaction=True)

README = (Path(__file__).parents[3] / "README.md").read_text()
SECTION = README[README.index("## Breakers and levels in your own service") : README.index("## A saga in your own")]
INSTALL, BREAKER, FLAG = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)


class Provider:
    """The other side."""

    def __init__(self) -> None:
        self.is_down, self.calls = False, 0

    def charge(self, order: str) -> str:
        self.calls += 1
        if self.is_down:
            raise ConnectionError("refused")
        return f"paid {order}"


def test_the_rooms_are_installed_like_this() -> None:
    assert INSTALL.strip() == "INSTALLED_APPS += [*reliability.ROOMS]"


def test_a_breaker_like_the_readmes_opens_and_says_when_to_ask_again() -> None:
    provider = Provider()
    said: dict[str, Any] = {"provider": provider, "ask_again_in": lambda seconds: f"again in {seconds:.0f} s"}
    exec(BREAKER, said)
    try:
        assert said["charge"]("o-1") == "paid o-1"
        provider.is_down = True
        for _ in range(30):
            with pytest.raises(ConnectionError):
                said["charge"]("o-2")
        breakers.agent().look()
        assert said["charge"]("o-3").startswith("again in 1")
        assert provider.calls == 31
    finally:
        breakers._breakers.pop("payments-api", None)
        breakers.agent()._sides.pop("payments-api", None)


def test_a_flag_like_the_readmes_is_read_at_its_level(monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Any] = {"model": SimpleNamespace(for_user=lambda user: [user]), "popular": lambda: ["bestseller"]}
    exec(FLAG, said)
    try:
        assert said["recommended"]("ann") == ["ann"]
        assert degradation.flag("recommendations").level == 0
    finally:
        flags._flags.pop("recommendations", None)
