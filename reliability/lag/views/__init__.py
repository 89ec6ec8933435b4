"""Pages of the lag room."""
