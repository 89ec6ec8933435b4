"""What a breaker is and how it moves, without a clock, a network or a database."""
