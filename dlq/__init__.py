"""Dead letters: stored byte for byte, grouped by failure, replayed with a receipt, discarded with a reason."""
