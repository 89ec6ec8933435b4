"""Pages of the reconciler: findings as a work queue, one of them side by side, its repair."""
