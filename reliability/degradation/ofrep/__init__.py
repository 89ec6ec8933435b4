"""OFREP 0.3.0: levels for clients in every language, answered from this process's memory."""
