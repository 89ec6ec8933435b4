"""nginx run with the example of `deploy/`, on ports of its own and with a certificate made for it."""

from __future__ import annotations

import contextlib
import os
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from reliability.embedded import ports
from tests.support import deployed, tools
from tests.support.waiting import wait_until

EXAMPLE = deployed.DEPLOY / "nginx" / "mainstay.conf"
NAME = "console.example"
_AROUND = """{user}
pid {folder}/pid;
error_log {folder}/error.log;
daemon off;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/mainstay.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """Where it listens, and what trusts its certificate."""

    plain: int
    tls: int
    trust: ssl.SSLContext


def configuration(folder: Path, *, upstream: int, plain: int, tls: int) -> Path:
    """Write the example with these ports, and what stands around it on a machine; return the file to begin with."""
    text = EXAMPLE.read_text()
    for there, here in (
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl", f"listen 127.0.0.1:{tls} ssl"),
        ("/etc/nginx/tls/", f"{folder}/"),
        ("server web:8000", f"server 127.0.0.1:{upstream}"),
    ):
        assert there in text, there
        text = text.replace(there, here)
    (folder / "mainstay.conf").write_text(text)
    whole = folder / "nginx.conf"
    whole.write_text(_AROUND.format(folder=folder, user="user root;" if os.geteuid() == 0 else ""))
    _certify(folder)
    return whole


def _certify(folder: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    certificate = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key(), serial_number=1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "tls.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@contextlib.contextmanager
def running(folder: Path, *, upstream: int) -> Iterator[Nginx]:
    """Start it before what listens on ``upstream``."""
    plain, tls = ports.any_free(), ports.any_free()
    program = tools.program("nginx")
    whole = configuration(folder, upstream=upstream, plain=plain, tls=tls)
    log = folder / "error.log"
    with subprocess.Popen([program, "-p", str(folder), "-e", str(log), "-c", str(whole)]) as process:
        try:
            wait_until(lambda: ports.answers(tls), within_s=20, what=lambda: log.read_text())
            yield Nginx(plain, tls, ssl.create_default_context(cafile=str(folder / "tls.crt")))
        finally:
            process.terminate()
