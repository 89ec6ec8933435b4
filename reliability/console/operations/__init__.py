"""What the console itself writes: acts on accounts and tokens."""
