"""Comparing two sides that should agree, and making them agree again: the pure part."""
