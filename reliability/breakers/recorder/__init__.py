"""Writes down what the fleet's store knows for a while only, and tells the fleet again what persons have said."""
