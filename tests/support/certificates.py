"""An authority of a test's own, and certificates that it signs: right ones, expired ones, of another name."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LOOPBACK = ipaddress.ip_address("127.0.0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its key, each in a file of its own, and both in one."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    """Signs certificates into files below a folder."""

    def __init__(self, folder: Path, *, name: str = "test authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        own = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / "ca.pem"
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def sign(
        self,
        common_name: str,
        *,
        organisation: str = "",
        names: tuple[str, ...] = ("localhost",),
        loopback: bool = True,
        ends_at: datetime | None = None,
        password: str = "",
    ) -> Pair:
        """Return a new certificate for these names, and for 127.0.0.1 unless ``loopback`` is False."""
        key = ec.generate_private_key(ec.SECP256R1())
        words = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        if organisation:
            words.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
        ends = ends_at or datetime.now(UTC) + timedelta(days=365)
        others: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        if loopback:
            others.append(x509.IPAddress(_LOOPBACK))
        signed = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(words))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(ends, datetime.now(UTC)) - timedelta(days=1))
            .not_valid_after(ends)
            .add_extension(x509.SubjectAlternativeName(others), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        hidden: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password:
            hidden = serialization.BestAvailableEncryption(password.encode())
        public = signed.public_bytes(serialization.Encoding.PEM)
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
        pair = Pair(
            certificate=self._folder / f"{common_name}.pem",
            key=self._folder / f"{common_name}.key",
            both=self._folder / f"{common_name}.both.pem",
        )
        pair.certificate.write_bytes(public)
        pair.key.write_bytes(private)
        pair.both.write_bytes(private + public)
        pair.key.chmod(0o600)
        return pair
