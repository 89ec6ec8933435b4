"""Changing levels, policies and schedules; each one transaction, and told to every process."""
