"""X.509 certificates: whose they are and until when they hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """``subject`` in the order that Kafka's brokers write it (RFC 4514: the most special part first)."""

    subject: str
    ends_at: datetime


def in_file(path: str) -> list[Certificate]:
    """Return the certificates of a PEM file, as they stand there; raise ``OSError`` or ``ValueError``."""
    return [_told(each) for each in x509.load_pem_x509_certificates(Path(path).read_bytes())]


def of_der(encoded: bytes) -> Certificate:
    """Return a certificate as TLS shows it; raise ``ValueError``."""
    return _told(x509.load_der_x509_certificate(encoded))


def _told(certificate: x509.Certificate) -> Certificate:
    return Certificate(subject=certificate.subject.rfc4514_string(), ends_at=certificate.not_valid_after_utc)
