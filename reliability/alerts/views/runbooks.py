"""What to do when: the pages that the deployment's alerts lead to, from the folder that ships with the project."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

import markdown
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from reliability import access

_LETTERS: Final = set("abcdefghijklmnopqrstuvwxyz0123456789-")


@require_safe
@access.requires("alerts.view")
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """One runbook."""
    found = _read(slug)
    if found is None:
        raise Http404(f"There is no runbook {slug[:80]!r}.")
    title, html = found
    # Ours alone: files of the project, nothing that anybody sent.
    return render(request, "alerts/runbook.html", {"title": title, "html": mark_safe(html)})  # noqa: S308


@require_safe
@access.requires("alerts.view")
def index(request: HttpRequest) -> HttpResponse:
    """All of them."""
    found = [(slug, each[0]) for slug in slugs() if (each := _read(slug)) is not None]
    return render(request, "alerts/runbooks.html", {"title": "Runbooks", "runbooks": found})


def folder() -> Path:
    """Return where they are."""
    return Path(settings.BASE_DIR) / "deploy" / "runbooks"


def slugs() -> list[str]:
    """Return the names of the runbooks that there are."""
    return sorted(path.stem for path in folder().glob("*.md")) if folder().is_dir() else []


def of_rooms(rooms: Iterable[str]) -> list[str]:
    """Return the runbooks whose names begin with one of the rooms."""
    known = set(rooms)
    return [slug for slug in slugs() if slug.partition("-")[0] in known]


@lru_cache(maxsize=200)
def _read(slug: str) -> tuple[str, str] | None:
    path = folder() / f"{slug}.md"
    if not set(slug) <= _LETTERS or not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition("\n")
    return head.removeprefix("#").strip(), markdown.markdown(rest, extensions=["tables", "fenced_code"])
