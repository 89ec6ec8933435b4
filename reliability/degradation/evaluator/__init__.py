"""The loop that has policies decide."""
