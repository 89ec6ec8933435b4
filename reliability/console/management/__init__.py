"""The command line of the console."""
