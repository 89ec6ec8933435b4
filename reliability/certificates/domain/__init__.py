"""What a date means. Pure."""
