"""Commands of the alerts room."""
