"""What a saga is and what follows from its history: pure."""
