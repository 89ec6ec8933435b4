"""The command line of the lag room."""
