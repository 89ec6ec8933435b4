"""Reads of the lag room."""
