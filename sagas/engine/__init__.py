"""The engine: claims what is due, does what follows, writes it down."""
