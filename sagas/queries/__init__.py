"""Reads of the sagas."""
