"""What the console does to breakers."""
