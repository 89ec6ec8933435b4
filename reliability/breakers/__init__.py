"""Circuit breakers that a fleet shares. So far the rules alone: nothing calls them yet."""
