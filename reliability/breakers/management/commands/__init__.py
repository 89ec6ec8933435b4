"""Breakers on the command line."""
