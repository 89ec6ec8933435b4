"""The outbox's rules: pure values and functions, no I/O, no clock."""
