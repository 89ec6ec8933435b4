"""Writes of the reconciler: what looks found, and what is done about it."""
