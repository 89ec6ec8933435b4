"""The partition that Kafka's Java client would choose for a key."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the 32-bit murmur2 hash of ``data`` as the Java client computes it. Source: A. Appleby, MurmurHash2.

    Written for speed: a relay hashes every key it sends. Masking is left out where a later step does it.
    """
    length = len(data)
    h = _SEED ^ length
    for k in _words(length >> 2)(data):
        k = k * _M & _MASK
        h = (h * _M ^ (k ^ k >> 24) * _M) & _MASK
    rest = length & 3
    if rest:
        h = (h ^ int.from_bytes(data[-rest:], "little")) * _M & _MASK
    h ^= h >> 13
    h = h * _M & _MASK
    return h ^ h >> 15


@lru_cache(maxsize=256)
def _words(count: int) -> Callable[[bytes], tuple[int, ...]]:
    """Return what reads the first ``count`` 32-bit words, little-endian."""
    return struct.Struct(f"<{count}I").unpack_from


def partition_for(key: bytes, count: int) -> int:
    """Return the partition, of ``count``, to which Java's default partitioner sends ``key``."""
    return (murmur2(key) & 0x7FFFFFFF) % count
