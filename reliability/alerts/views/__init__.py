"""Pages of the alerts room."""
