"""Tests of the room locks."""
