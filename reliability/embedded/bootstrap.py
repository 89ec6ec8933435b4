"""`make setup`: Python packages and browser files, with nothing but Python and its standard library to begin with.

`python3 -m reliability.embedded.bootstrap [--chromium]`. Everything is locked with hashes; what is already in place is
neither fetched nor asked for again, so a second set-up needs no network. What only tests load comes with `--chromium`,
or when a test asks for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reliability.embedded import certificates, chromium
from reliability.embedded.browser_files import BrowserFiles
from reliability.embedded.commands import Commands
from reliability.embedded.output import Output
from reliability.embedded.packages import Packages
from reliability.embedded.refusal import Refusal

CHECKOUT = Path(__file__).parents[2]
# Another project's environment, or one that breaks every Python started from here.
NOT_OURS = ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH")


def set_up(checkout: Path, *, output: Output, with_chromium: bool) -> None:
    """Bring everything in place; raises `Refusal` when that cannot be done."""
    with _turn(checkout) as own:
        _set_up(checkout, own, output=output, with_chromium=with_chromium)


def fetch_for_tests(checkout: Path, *, output: Output) -> None:
    """Bring the npm packages in place that only tests load; raises `Refusal`. With Python's packages in place."""
    with _turn(checkout) as own:
        commands = Commands(folder=checkout, env=_environment(own, output), say=output.say)
        _fetch_browser_files(checkout, own, commands=commands, with_tests=True)


@contextlib.contextmanager
def _turn(checkout: Path) -> Iterator[Path]:
    """Hold the checkout's own folder: a second set-up waits, then finds everything done."""
    own = checkout / ".mainstay"
    _refuse_read_only(checkout, own)
    with (own / "setup.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield own


def _set_up(checkout: Path, own: Path, *, output: Output, with_chromium: bool) -> None:
    commands = Commands(folder=checkout, env=_environment(own, output), say=output.say)
    packages = Packages(checkout=checkout, own=own, commands=commands)
    digest = _digest(checkout, "uv.lock", "pyproject.toml")
    if _noted(own).get("packages") != digest or not packages.work():
        packages.install()
        _note(own, packages=digest)
    _fetch_browser_files(checkout, own, commands=commands, with_tests=with_chromium)
    if with_chromium:
        program = chromium.find() or chromium.install(say=output.say, python=packages.python)
        output.say(f"Chromium for the browser tests: {program}")
    output.say("set-up is complete")


def _fetch_browser_files(checkout: Path, own: Path, *, commands: Commands, with_tests: bool) -> None:
    browser_files = BrowserFiles(checkout=checkout, commands=commands)
    digest, noted = _digest(checkout, "package-lock.json"), _noted(own)
    has_tests = noted.get("test_files") == digest and (checkout / "node_modules").is_dir()
    if noted.get("browser_files") == digest and browser_files.are_there() and (has_tests or not with_tests):
        return
    browser_files.install(with_tests=with_tests)
    _note(own, browser_files=digest, test_files=digest if with_tests else "")


def _refuse_read_only(checkout: Path, own: Path) -> None:
    try:
        own.mkdir(mode=0o711, exist_ok=True)
        with tempfile.TemporaryFile(dir=own), tempfile.TemporaryFile(dir=checkout):
            pass
    except OSError as error:
        raise Refusal(
            f"{checkout} cannot be written ({error.strerror}): set-up keeps its packages and data there."
        ) from error


def _environment(own: Path, output: Output) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    caches = other_caches(home=Path.home(), environment=env, fallback=own / "cache")
    if caches:
        output.say(f"the home folder {Path.home()} cannot be written: caches go to {own / 'cache'}")
    return {**env, **caches, **certificates.variables(env)}


def other_caches(*, home: Path, environment: Mapping[str, str], fallback: Path) -> dict[str, str]:
    """The variables that send uv, pip and npm to `fallback`, for those of their caches that cannot be written."""
    general = Path(environment.get("XDG_CACHE_HOME") or home / ".cache")
    usual = {"UV_CACHE_DIR": general / "uv", "PIP_CACHE_DIR": general / "pip", "npm_config_cache": home / ".npm"}
    wrong = [name for name, path in usual.items() if name not in environment and not _writable(path)]
    return {name: str(fallback / name.partition("_")[0].lower()) for name in wrong}


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _digest(checkout: Path, *names: str) -> str:
    parts = [(checkout / name).read_bytes() for name in names]
    return hashlib.sha256(b"\0".join([*parts, sys.version.encode()])).hexdigest()


def _noted(own: Path) -> dict[str, str]:
    try:
        done = json.loads((own / "setup.json").read_text())
    except (OSError, ValueError):
        return {}
    return done if isinstance(done, dict) else {}


def _note(own: Path, **facts: str) -> None:
    (own / "setup.json").write_text(json.dumps({**_noted(own), **facts}))


def main(arguments: Sequence[str]) -> int:
    """Set up this checkout; returns the exit code."""
    output = Output()
    try:
        set_up(CHECKOUT, output=output, with_chromium="--chromium" in arguments)
    except Refusal as refusal:
        output.write(f"\nset-up: {refusal}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
