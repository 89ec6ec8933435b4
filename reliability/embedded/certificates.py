"""One set of certificates for every client that fetches: uv, pip, npm and Python's requests each look elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
# Where Debian, Fedora, Alpine and macOS keep what their administrator trusts.
SYSTEM = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/cert.pem"),
)


def variables(environment: Mapping[str, str], *, system: Sequence[Path] = SYSTEM) -> dict[str, str]:
    """The variables to add so that all clients trust the file one of them names, else the system's; or none."""
    named = next((environment[name] for name in VARIABLES if environment.get(name)), None)
    bundle = named or next((str(path) for path in system if path.is_file()), None)
    return {name: bundle for name in VARIABLES if bundle and not environment.get(name)}
