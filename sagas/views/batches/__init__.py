"""Pages of acts in bulk: asking, plan and progress, the list."""
