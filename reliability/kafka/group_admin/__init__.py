"""`ports.GroupAdmin` on kafka-python. Nothing outside this folder imports `kafka`."""

from __future__ import annotations

from reliability.kafka.group_admin.admin import GroupAdmin

__all__ = ["GroupAdmin"]
