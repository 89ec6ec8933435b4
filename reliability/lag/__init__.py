"""Consumer lag: how far behind every group is, why, until when, and what an operator may do about it."""
