"""Reading incidents, rules, mutes, channels and deliveries."""
