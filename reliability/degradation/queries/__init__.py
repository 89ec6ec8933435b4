"""Reading flags, policies and their history."""
