"""Breakers beside their peers: what they do in trouble, and what a call costs."""
