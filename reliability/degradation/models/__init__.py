"""The truth about degradation flags, and their history."""

from __future__ import annotations

from reliability.degradation.models.flags import Flag, Policy, Revision, Window, Word
from reliability.degradation.models.history import Change, Sample

__all__ = ["Change", "Flag", "Policy", "Revision", "Sample", "Window", "Word"]
