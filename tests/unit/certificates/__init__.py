"""Unit tests of certificates."""
