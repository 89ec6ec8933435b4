"""Django's own checks of a deployment find nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
DEPLOYED = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    "REDIS_URL": "redis://127.0.0.1:9/0",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
    "MAINSTAY_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "MAINSTAY_HTTPS": "true",
    "MAINSTAY_ALLOWED_HOSTS": "console.example",
    "MAINSTAY_OIDC_ISSUER": "https://login.example",
    "MAINSTAY_OIDC_CLIENT_ID": "mainstay",
    "MAINSTAY_OIDC_ROLES": "admin=leads",
    "DJANGO_SETTINGS_MODULE": "reliability.settings",
}


def test_a_deployment_passes_the_checks_of_django() -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAINSTAY_", "DJANGO_"))}
    words = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(words, cwd=ROOT, env={**kept, **DEPLOYED}, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
