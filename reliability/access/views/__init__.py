"""What guards pages."""
