"""Tests of certificates with real servers."""
