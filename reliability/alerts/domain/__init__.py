"""Alerts as values: rules, phases, grouping, mutes, messages, channels; no database, no clock."""
