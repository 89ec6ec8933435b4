"""Kafka clusters by name, each with the librdkafka properties of its profile."""

from __future__ import annotations

from reliability.environment import Environment
from reliability.environment.clusters import SECRETS


class Profile(dict[str, str]):
    """A profile that does not tell its secrets to whoever prints it."""

    def __repr__(self) -> str:
        return repr({name: "••••" if name in SECRETS else value for name, value in self.items()})


def profiles(environment: Environment) -> dict[str, Profile]:
    """Return the profile of each cluster; a property that nothing is said of is left out."""
    return {name: Profile(profile) for name, profile in environment.kafka_clusters().items()}
