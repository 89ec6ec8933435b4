"""Degradation on the command line."""
