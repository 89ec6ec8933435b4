"""Pages of the breakers."""
