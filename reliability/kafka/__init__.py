"""Kafka behind ports: what the rest of the project may say to a broker, and who says it."""
