"""The project's settings for tests: real servers, a fixed secret, the demo's shop installed, fast password hashes."""

from __future__ import annotations

import os

from tests.support import servers

os.environ.setdefault("MAINSTAY_SECRET_KEY", "only-for-tests-only-for-tests-only-for-tests")
os.environ.setdefault("MAINSTAY_ENVIRONMENT_NAME", "test")
os.environ["MAINSTAY_DEMO"] = "true"
servers.name_servers()

from reliability.settings import *  # noqa: E402, F403 - the addresses must be in the environment first

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # argon2 is slow by design; tests sign in often
