"""The console's core: the registry where rooms meet, the overview, health, doctor, and what every answer looks like."""
