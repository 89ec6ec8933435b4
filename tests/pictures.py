"""Takes the pictures of the README from a demo that runs beside this checkout: ``python -m tests.pictures``."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from reliability.embedded import chromium, stack
from tests.support import browsing

FOLDER = Path(__file__).parents[1] / "deploy" / "pictures"
SIZE = {"width": 1_440, "height": 900}
PAGES = {"overview": "/", "letters": "/letters/", "alerts": "/alerts/"}


def main() -> int:
    """Take them; 1 without a running demo or a Chromium."""
    state_file = stack.ROOT / "state.json"
    program = chromium.find()
    if not state_file.exists() or program is None:
        sys.stderr.write("Start a demo first (make demo), let it run for some minutes, and have a Chromium.\n")
        return 1
    state = json.loads(state_file.read_text(encoding="utf-8"))
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=list(browsing.ARGUMENTS))
        page = browser.new_page(viewport=SIZE, base_url=state["url"])  # type: ignore[arg-type]
        sign_in(page, state["username"], state["password"])
        for name, path in PAGES.items():
            page.goto(path)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=FOLDER / f"{name}.png")
        browser.close()
    return 0


def sign_in(page: Page, username: str, password: str) -> None:
    """As a person does."""
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(r"/$"))


if __name__ == "__main__":
    raise SystemExit(main())
