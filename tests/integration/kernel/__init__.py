"""Tests of what the kernel does with real servers."""
