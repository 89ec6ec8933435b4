"""Alerts over a real database: turns, messages, channels that answer as they please."""
