"""Degradation as values: flags and levels, precedence, policies, schedules; no database, no clock."""
