"""PostgreSQL, Redis and Kafka started beside the project where no address names one, and the demo's supervisor."""
