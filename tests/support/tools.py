"""Programs that only some machines have: tests that need one run where it is, and must run in `make deploy-check`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

import pytest

REQUIRED = "MAINSTAY_DEPLOY_CHECK"
GET = {
    "helm": "go install helm.sh/helm/v3/cmd/helm@latest",
    "promtool": "apt-get install prometheus",
    "nginx": "apt-get install nginx-light",
}


def program(name: str) -> str:
    """Where it is; without it the test is skipped with the command that runs it, or fails where it was asked for."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        sentence = f"{name} is not on the path ({GET[name]}); with it: make deploy-check"
        if os.environ.get(REQUIRED):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return found


def run(*words: str, given: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; its words are returned, whatever its exit code."""
    return subprocess.run(words, capture_output=True, text=True, timeout=60, input="\n".join(given) or None)
