"""Where a fleet keeps its breakers: ``port`` says what is asked of it, ``memory`` and ``shared`` (Redis) do it."""
