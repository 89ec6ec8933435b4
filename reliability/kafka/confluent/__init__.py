"""The ports on librdkafka. Nothing outside this folder imports `confluent_kafka`."""

from __future__ import annotations

from reliability.kafka.confluent.admin import ANSWER_S, Admin
from reliability.kafka.confluent.advertised import advertised
from reliability.kafka.confluent.consumer import Consumer
from reliability.kafka.confluent.permissions import allowed
from reliability.kafka.confluent.producer import Producer
from reliability.kafka.confluent.reader import Reader

__all__ = ["ANSWER_S", "Admin", "Consumer", "Producer", "Reader", "advertised", "allowed"]
