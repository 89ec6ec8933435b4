"""Tables of the live room."""
