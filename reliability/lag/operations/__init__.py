"""Writes of the lag room."""
