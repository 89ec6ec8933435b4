"""The Chromium of the browser tests: one on the path, Debian's package, or Playwright's own. Standard library only."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from reliability.embedded.refusal import Refusal

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VARIABLE = "MAINSTAY_CHROMIUM"
SENTENCE = "The browser tests need a Chromium and none was found: run `apt-get install chromium`"


def find() -> Path | None:
    """The program MAINSTAY_CHROMIUM names, else one on the path, else the one Playwright installed, else None."""
    named = os.environ.get(VARIABLE)
    if named:
        if not os.access(named, os.X_OK):
            raise Refusal(f"{VARIABLE} is {named}, which is not a program.")
        return Path(named)
    on_path = next(filter(None, map(shutil.which, NAMES)), None)
    return Path(on_path) if on_path else _of_playwright()


def _of_playwright() -> Path | None:
    """Playwright keeps its browsers in numbered folders of one cache; the newest is the one it would use."""
    home = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright"
    found = sorted(Path(home).glob("chromium-*/chrome-linux*/chrome"))
    return found[-1] if found else None


def install(*, say: Callable[[str], None], python: Path) -> Path:
    """Install Debian's package where allowed, else Playwright's own; raises `Refusal` with the command to run."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("installing Debian's chromium (apt-get)")
        packages = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
        if _succeeds(["apt-get", "update"]) and _succeeds(packages) and (found := find()):
            return found
    say("installing Playwright's Chromium")
    if _succeeds([str(python), "-m", "playwright", "install", "chromium"]) and (found := find()):
        return found
    raise Refusal(f"{SENTENCE} as root, or name one in {VARIABLE}, then `make test` again.")


def _succeeds(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(command, capture_output=True, env=environment, check=False).returncode == 0
    except OSError:
        return False
