"""What is read of breakers."""
