"""The files that a cluster's profile names: they must be there, readable, and fit each other."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

SECRET_CHARACTERS_MAX = 4_096


def secret(path: str, *, name: str, of: str) -> str:
    """Return the secret in a file, without the end of its line; raise ``ValueError``."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            text = file.read(2 * SECRET_CHARACTERS_MAX).rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"{of}: {name} names {path}, which cannot be read: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"{of}: {name} names {path}, which is no text in UTF-8") from None
    if not text:
        raise ValueError(f"{of}: {name} names {path}, which is empty")
    if len(text) > SECRET_CHARACTERS_MAX or any(ord(character) < 32 for character in text):
        raise ValueError(f"{of}: {name} names {path}, which is more than one line with a secret")
    return text


def check(profile: Mapping[str, str], *, of: str) -> None:
    """Check authority, certificate and key as they will be used; raise ``ValueError``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca = _readable("ssl.ca.location", profile, of=of)
    if ca:
        try:
            folder = os.path.isdir(ca)
            context.load_verify_locations(cafile=None if folder else ca, capath=ca if folder else None)
        except (OSError, ValueError):
            raise ValueError(f"{of}: ssl.ca.location names {ca}, which holds no certificate in PEM form") from None
    certificate = _readable("ssl.certificate.location", profile, of=of)
    key = _readable("ssl.key.location", profile, of=of)
    if bool(certificate) != bool(key):
        there, lacks = ("certificate", "key") if certificate else ("key", "certificate")
        raise ValueError(f"{of} has ssl.{there}.location without ssl.{lacks}.location: a login takes both")
    if "ssl.key.password" in profile and not key:
        raise ValueError(f"{of} has ssl.key.password without ssl.key.location")
    if certificate:
        try:
            # An empty password, not None: OpenSSL would ask for one on the terminal.
            context.load_cert_chain(certificate, key, profile.get("ssl.key.password", ""))
        except (OSError, ValueError):
            raise ValueError(
                f"{of}: the key in {key} does not open or does not belong to the certificate in {certificate}: both in"
                " PEM form, the key without a password or with the one of ssl.key.password"
            ) from None


def _readable(name: str, profile: Mapping[str, str], *, of: str) -> str:
    path = profile.get(name, "")
    if path:
        try:
            if not os.path.isdir(path):
                with open(path, "rb"):
                    pass
        except OSError as error:
            raise ValueError(f"{of}: {name} names {path}, which cannot be read: {error.strerror}") from None
        except ValueError:
            raise ValueError(f"{of}: {name} names no file") from None
    return path
