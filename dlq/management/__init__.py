"""Command line of dead letters."""
