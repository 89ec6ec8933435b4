"""Dead letters as values: dialects, fingerprints, causes, payloads, search. Pure."""
