"""A jar that a repository stumbles over is asked for again; without a network nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from reliability.embedded import maven
from reliability.embedded.refusal import Refusal

JAR = maven.Jar(group="g", artifact="a", version="1", sha256="0")


def fail_with(cause: Exception, times: int, tried: list[int]) -> object:
    def once(jar: maven.Jar, cache: Path) -> Path:
        tried.append(1)
        if len(tried) <= times:
            raise Refusal("not fetched") from cause
        return cache

    return once


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maven, "TRY_AGAIN_S", (0.0, 0.0))


@pytest.mark.parametrize(("failures", "tries"), [(0, 1), (2, 3)])
def test_it_is_asked_for_again(monkeypatch: pytest.MonkeyPatch, failures: int, tries: int) -> None:
    tried: list[int] = []
    monkeypatch.setattr(maven, "_fetch_once", fail_with(requests.HTTPError("503"), failures, tried))
    assert maven._fetch(JAR, Path("cache")) == Path("cache")
    assert len(tried) == tries


@pytest.mark.parametrize(("cause", "tries"), [(requests.HTTPError("503"), 3), (requests.ConnectionError("no"), 1)])
def test_it_gives_up(monkeypatch: pytest.MonkeyPatch, cause: Exception, tries: int) -> None:
    tried: list[int] = []
    monkeypatch.setattr(maven, "_fetch_once", fail_with(cause, 9, tried))
    with pytest.raises(Refusal):
        maven._fetch(JAR, Path("cache"))
    assert len(tried) == tries
