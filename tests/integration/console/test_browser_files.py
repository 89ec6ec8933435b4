"""Without the collected browser files the web process says what to type, and does not begin."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command

from reliability import asgi
from reliability.console import static

COLLECT = "manage.py collectstatic --no-input"


@pytest.fixture
def place(settings: Any, tmp_path: Path) -> Path:
    """Files are served as in production, from a folder in which nothing was collected."""
    settings.STATIC_ROOT = str(tmp_path / "static")
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    return tmp_path / "static"


def told_at_start() -> list[dict[str, Any]]:
    """What the server is told when it begins; the process's loops end at once."""
    told: list[dict[str, Any]] = []
    asked = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> dict[str, Any]:
        return next(asked)

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    asyncio.run(asgi.application({"type": "lifespan"}, receive, send))
    return told


def test_nothing_collected_ends_the_start_with_what_to_type(place: Path) -> None:
    (told,) = told_at_start()
    assert told["type"] == "lifespan.startup.failed"
    assert "no browser files are collected in" in told["message"]
    assert COLLECT in told["message"]
    found = static.browser_files()
    assert found.verdict == "fail"
    assert COLLECT in found.remedy


def test_a_file_that_is_newer_than_the_collection(place: Path) -> None:
    call_command("collectstatic", interactive=False, verbosity=0)
    assert static.why_no_page() == ""
    assert static.browser_files().verdict == "ok"
    os.utime(place / "staticfiles.json", (0, 0))
    found = static.browser_files()
    assert found.verdict == "warn"
    assert "changed since they were collected" in found.found
    assert COLLECT in found.remedy


def test_a_file_that_came_with_a_new_version(place: Path, tmp_path: Path, settings: Any) -> None:
    call_command("collectstatic", interactive=False, verbosity=0)
    more = tmp_path / "more"
    more.mkdir()
    (more / "new-room.css").write_text("")
    settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, str(more)]
    assert "the browser file new-room.css is not collected" in static.why_no_page()


def test_where_files_are_served_as_they_are_written_nothing_is_missing() -> None:
    assert not hasattr(staticfiles_storage, "hashed_files")
    assert static.why_no_page() == ""
    assert static.browser_files().verdict == "ok"
