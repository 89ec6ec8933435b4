"""What is known of dead letters: reads only."""
