"""Apache Kafka's jars: fetched from a Maven repository exactly as the lock file names them, verified at every start."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import jgo
import requests
from jgo.config import GlobalSettings
from jgo.maven import MavenContext

from reliability.embedded import certificates
from reliability.embedded.refusal import Refusal
from reliability.embedded.server import Say
from reliability.kernel import clock

KAFKA = "org.apache.kafka:kafka_2.13:4.1.2"
# Kafka logs through slf4j 1.7 and brings no writer; without one a failed start says nothing.
LOG_WRITER = "org.slf4j:slf4j-simple:1.7.36"
LOCK = Path(__file__).with_name("kafka.lock")
FETCHES_AT_ONCE = 8
FETCH_TIMEOUT_S = 30
TRY_AGAIN_S = (0.5, 2.0)  # waits between the tries of one jar


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """One line of the lock file."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def coordinate(self) -> str:
        """The Maven name of the jar."""
        return f"{self.group}:{self.artifact}:{self.version}"

    def path(self, cache: Path) -> Path:
        """Where a Maven cache keeps it."""
        return cache.joinpath(
            *self.group.split("."), self.artifact, self.version, f"{self.artifact}-{self.version}.jar"
        )


def read_lock(path: Path = LOCK) -> list[Jar]:
    """The jars of the lock file, in the order of the class path."""
    jars = []
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            coordinate, digest = line.split()
            group, artifact, version = coordinate.split(":")
            jars.append(Jar(group=group, artifact=artifact, version=version, sha256=digest))
    return jars


def sha256(path: Path) -> str:
    """The digest of a file, in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def class_path(*, caches: Sequence[Path], say: Say, lock: Path = LOCK) -> list[Path]:
    """Every locked jar, verified. Looks in each cache; fetches what is missing or damaged into the first one.

    Raises `Refusal` when a jar cannot be fetched or is not the locked one.
    """
    jars = found(caches=caches, lock=lock)
    missing = [jar for jar, path in jars.items() if path is None]
    if missing:
        say(f"fetching Apache Kafka ({len(missing)} of {len(jars)} jars)")
        os.environ.update(certificates.variables(os.environ))  # jgo offers no other way to name them
        with ThreadPoolExecutor(FETCHES_AT_ONCE, thread_name_prefix="fetch") as pool:
            jars.update(zip(missing, pool.map(lambda jar: _fetch(jar, caches[0]), missing), strict=True))
    return [path for path in jars.values() if path is not None]


def found(*, caches: Sequence[Path], lock: Path = LOCK) -> dict[Jar, Path | None]:
    """Where each locked jar is; None for one that is missing or not the locked one."""
    return {jar: _cached(jar, caches) for jar in read_lock(lock)}


def _cached(jar: Jar, caches: Sequence[Path]) -> Path | None:
    for cache in caches:
        path = jar.path(cache)
        if path.is_file() and sha256(path) == jar.sha256:
            return path
    return None


def _fetch(jar: Jar, cache: Path) -> Path:
    """Fetch a jar; a repository that stumbles over one of forty is asked again."""
    for wait_s in TRY_AGAIN_S:
        try:
            return _fetch_once(jar, cache)
        except Refusal as refusal:
            if isinstance(refusal.__cause__, requests.ConnectionError):
                raise  # there is no network: forty jars would only wait for it one after the other
            clock.SYSTEM.sleep(wait_s)
    return _fetch_once(jar, cache)


def _fetch_once(jar: Jar, cache: Path) -> Path:
    path = jar.path(cache)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # Fetched beside the cache and moved in whole: another start may be fetching the same jar.
        with tempfile.TemporaryDirectory(dir=cache, prefix=".fetching-") as beside:
            context = MavenContext(repo_cache=Path(beside), remote_repos=repositories(), timeout=FETCH_TIMEOUT_S)
            fetched = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
            if sha256(fetched) != jar.sha256:
                raise Refusal(
                    f"{jar.coordinate} from the Maven repository is not the one in {LOCK.name}: its sha256 differs."
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            fetched.replace(path)
    except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
        raise Refusal(f"{jar.coordinate} could not be fetched from a Maven repository ({_in_short(error)}).") from error
    return path


def _in_short(error: Exception) -> str:
    if isinstance(error, requests.ConnectionError):
        return "it cannot be reached"
    if isinstance(error, requests.Timeout):
        return "it does not answer in time"
    return str(error).splitlines()[0]


def repositories() -> dict[str, str]:
    """The Maven repositories to ask, by name: MAINSTAY_MAVEN_REPOSITORY, those of jgo's own settings, Maven Central."""
    named = os.environ.get("MAINSTAY_MAVEN_REPOSITORY")
    if named:
        return {"named": named.rstrip("/")}
    return {**GlobalSettings.load().repositories, **MavenContext().remote_repos}


def caches(fallback: Path) -> list[Path]:
    """Where to look for jars. New ones go into the first: the usual Maven cache, or `fallback` if that is read-only."""
    usual = GlobalSettings.load().repo_cache
    try:
        usual.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=usual):
            return [usual, fallback]
    except OSError:
        return [fallback, usual]


def write_lock(lock: Path = LOCK) -> int:
    """Resolve Kafka anew and write the lock file; returns the number of jars. For a change of version."""
    artifacts = jgo.resolve(f"{KAFKA}+{LOG_WRITER}", repositories=repositories())
    lines = [
        f"{artifact.groupId}:{artifact.artifactId}:{artifact.version} {sha256(artifact.resolve())}"
        for artifact in artifacts
    ]
    title = f"# {KAFKA} and what it needs: coordinate, sha256. Made by `python -m reliability.embedded lock-kafka`."
    lock.write_text("\n".join([title, *sorted(set(lines))]) + "\n")
    return len(set(lines))
