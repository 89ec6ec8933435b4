"""Acts on incidents, rules and mutes; what a turn writes down; deliveries."""
