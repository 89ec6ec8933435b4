"""Pages of the degradation room."""
