"""Kafka clusters by name, each with the librdkafka properties of its profile."""

from __future__ import annotations

from reliability.environment import Environment


def profiles(environment: Environment) -> dict[str, dict[str, str]]:
    """Return the profile of each cluster; a property that nothing is said of is left out."""
    return {
        "main": {
            name: value
            for name, value in {
                "bootstrap.servers": environment.KAFKA_BOOTSTRAP_SERVERS,
                "security.protocol": environment.KAFKA_SECURITY_PROTOCOL,
                "sasl.mechanism": environment.KAFKA_SASL_MECHANISM,
                "sasl.username": environment.KAFKA_SASL_USERNAME,
                "sasl.password": environment.KAFKA_SASL_PASSWORD,
                "ssl.ca.location": environment.KAFKA_SSL_CA_LOCATION,
            }.items()
            if value
        }
    }
