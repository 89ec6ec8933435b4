"""Answers of a dependency that outlive it: copies in this process and in Redis, old ones in need, then a default."""
