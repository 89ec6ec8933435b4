"""Degradation flags: what users may lose, who decides it, and a level that every process reads from its own memory."""
