"""Looking at both sides: whole, in turn, or at keys that something has just changed; and what rules may repair."""
