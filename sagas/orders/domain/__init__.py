"""What the shop sells, how it fails, and the words of its events; pure."""
