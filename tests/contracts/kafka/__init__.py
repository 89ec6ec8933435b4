"""One suite for everything that calls itself a Kafka here."""
