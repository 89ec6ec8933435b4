"""Keys on a page whose scripts are there to hear them."""

from __future__ import annotations

from playwright.sync_api import Page


def press(page: Page, *keys: str) -> None:
    """Press keys, one after the other, once the page that is shown has loaded its scripts.

    Elements of a page can be found before its scripts ran; a key that is pressed in between is heard by nobody.
    """
    page.wait_for_load_state("load")
    for key in keys:
        page.keyboard.press(key)
