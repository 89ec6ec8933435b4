"""Pages of the sagas."""
