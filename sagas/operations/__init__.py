"""Writes of the sagas."""
