"""Writes: append events, keep the table's partitions, pause and resume the relays."""
