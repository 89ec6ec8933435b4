"""PostgreSQL, Redis and Kafka started beside the project where no address names a real one, and the supervisor of the demo."""
