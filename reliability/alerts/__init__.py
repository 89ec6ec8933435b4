"""Who is told, by which way, when something needs a person: rules, incidents, mutes, channels and deliveries."""
