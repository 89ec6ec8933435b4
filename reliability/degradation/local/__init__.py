"""What a process holds of flags in its own memory, and the thread that keeps it true."""
