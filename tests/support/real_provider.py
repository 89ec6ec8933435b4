"""npm's oidc-provider, certified by the OpenID Foundation, as a process beside a test."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support import npm

PROGRAM = npm.bootstrap.CHECKOUT / "tests" / "support" / "real_provider.mjs"
CLIENT, SECRET = "mainstay", "a secret for tests that is long enough"
Claims = dict[str, Any]


@dataclass
class RealProvider:
    """A running one. Its own pages ask for a login and any password."""

    process: subprocess.Popen[str]
    issuer: str

    def knows(self, **people: Claims) -> None:
        """Say who is there from now on, and with which claims."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(people) + "\n")
        self.process.stdin.flush()
        assert self.heard() == {"people": len(people)}

    def heard(self) -> Claims:
        """The next thing that it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the provider ended: {self.process.poll()}"
        told: Claims = json.loads(line)
        return told


@contextmanager
def running(*, console: str, conform: bool = False) -> Iterator[RealProvider]:
    """Start one for a console at this address; ``conform``: groups are told by userinfo alone."""
    npm.modules()
    command = [str(npm.node()), str(PROGRAM), f"{console}/accounts/sso/callback/", f"{console}/accounts/login/"]
    environment = {**os.environ, "CONFORM": "yes" if conform else "no", "NODE_ENV": "test"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        provider = RealProvider(process, "")
        try:
            provider.issuer = provider.heard()["issuer"]
            yield provider
        finally:
            process.terminate()
            process.wait(10)
