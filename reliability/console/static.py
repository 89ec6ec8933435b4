"""Static files on an asynchronous server: whether they are there, and each read at once.

None is large, and a file iterator brings a warning.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, staticfiles_storage
from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]  # it has no types

from reliability.console.domain.values import CheckResult
from reliability.kernel.command_line import spelled

REMEDY = f"Type: {spelled('collectstatic', '--no-input')}, and start the web process again."


class Files(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise has no types
    """WhiteNoise, answering with whole files."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        """Answer with one file."""
        found = static_file.get_response(request.method, request.META)
        content = b""
        if found.file is not None:
            with found.file as opened:
                content = opened.read()
        response = HttpResponse(content, status=int(found.status))
        del response["content-type"]  # the file's own is among its headers
        for name, value in found.headers:
            response[name] = value
        return response


def why_no_page() -> str:
    """Return why no page can be shown, with what to type; empty when all files that pages load are collected.

    Django asks its list of collected files for each page and has nothing to say without it but a bare error.
    """
    missing = _missing()
    return f"{missing}: pages cannot be shown. {REMEDY}" if missing else ""


def browser_files() -> CheckResult:
    """Whether the files that pages load are collected, and as they are in this version."""
    if missing := _missing():
        return CheckResult(verdict="fail", found=missing, remedy=REMEDY)
    storage, sources = _collected(), _sources()
    if storage is not None:
        at = Path(storage.path(storage.manifest_name)).stat().st_mtime
        newer = [name for name, path in sources.items() if path.stat().st_mtime > at]
        if newer:
            found = f"{len(newer)} changed since they were collected, such as {newer[0]}"
            return CheckResult(verdict="warn", found=found, remedy=REMEDY)
    return CheckResult(verdict="ok", found=f"all {len(sources)} files that pages load are there")


def _missing() -> str:
    storage = _collected()
    if storage is None:
        return ""
    if not storage.hashed_files:
        return f"no browser files are collected in {storage.location}"
    missing = sorted(name for name in _sources() if name not in storage.hashed_files)
    return f"the browser file {missing[0]} is not collected in {storage.location}" if missing else ""


def _collected() -> ManifestStaticFilesStorage | None:
    """The list of collected files, read anew; nothing where files are served from where they are written."""
    if settings.DEBUG or not isinstance(staticfiles_storage, ManifestStaticFilesStorage):
        return None
    return ManifestStaticFilesStorage(location=settings.STATIC_ROOT)


def _sources() -> dict[str, Path]:
    """Every file that would be collected, by name."""
    return {name: Path(storage.path(name)) for finder in finders.get_finders() for name, storage in finder.list([])}
