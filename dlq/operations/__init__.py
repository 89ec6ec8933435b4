"""What is done to dead letters: each act one transaction."""
