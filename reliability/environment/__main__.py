"""``python -m reliability.environment`` prints the reference of all settings."""

from __future__ import annotations

import sys

from reliability.environment import reference

if __name__ == "__main__":
    sys.stdout.write(reference.markdown())
