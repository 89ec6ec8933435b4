"""Themes and widths in which every page is looked at."""

from __future__ import annotations

import pytest

SIZES = [
    ("light", 1440),
    ("dark", 320),
    pytest.param("dark", 1440, marks=pytest.mark.slow),
    pytest.param("light", 390, marks=pytest.mark.slow),
]
"""The slow ones add little: `make scenarios` has them."""
