"""Around a fault of CPython before 3.11.9 and 3.12.3 (python/cpython#106905)."""

from __future__ import annotations

import ast
import functools
import sys
import threading
from typing import Any

MENDED_IN = ((3, 11, 9), (3, 12, 3))


def one_ast_at_a_time() -> None:
    """Let one thread at a time make a syntax tree: they share a counter, and ``SystemError`` comes of it.

    Hypothesis and pytest make them of the tests' sources, and the log of a background thread of each traceback.
    """
    version = sys.version_info[:3]
    if any(version[:2] == mended[:2] and version >= mended for mended in MENDED_IN) or version >= (3, 13):
        return
    parse, lock = ast.parse, threading.RLock()

    @functools.wraps(parse)
    def alone(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return parse(*args, **kwargs)

    ast.parse = alone
