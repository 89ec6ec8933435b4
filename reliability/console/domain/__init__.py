"""Pure rules of the console."""
