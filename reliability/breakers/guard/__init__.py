"""The process's side of breakers: ``around`` lies around calls, ``agent`` speaks with the fleet."""
