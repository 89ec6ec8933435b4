"""What stands in `deploy/`, read for tests: the image's recipe, the services of the compose file."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "image" / "Dockerfile"
COMPOSE = DEPLOY / "compose" / "compose.yaml"
OURS = "mainstay:"
_DEFAULT = re.compile(r"\$\{[A-Z_]+:-([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One of a Dockerfile: ``RUN``, and what stands behind it on one line."""

    word: str
    rest: str

    @property
    def listed(self) -> list[str]:
        """The words, of the exec form or of a plain line."""
        return json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)


def stages() -> dict[str, list[Instruction]]:
    """The image's stages by name, in order; the last one, which runs, is ``""``, what stands before ``top``."""
    found: dict[str, list[Instruction]] = {"top": []}
    current = "top"
    for each in _instructions(DOCKERFILE.read_text()):
        if each.word == "FROM":
            current = each.rest.partition(" AS ")[2]
            found[current] = []
        found[current].append(each)
    return found


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield Instruction(word, re.sub(r"\s+", " ", rest.strip()))


def variables(stage: Sequence[Instruction]) -> dict[str, str]:
    """What its ENV lines set."""
    words = [word for each in stage if each.word == "ENV" for word in each.listed]
    return dict(word.split("=", 1) for word in words)


@cache
def compose() -> Mapping[str, Any]:
    """The compose file with every variable at its default and every merge done."""
    document: Mapping[str, Any] = yaml.safe_load(_DEFAULT.sub(r"\1", COMPOSE.read_text()))
    return document


def our_services() -> dict[str, Mapping[str, Any]]:
    """The services of the compose file that run Mainstay's image."""
    return {name: each for name, each in compose()["services"].items() if each["image"].startswith(OURS)}


def processes() -> dict[str, Mapping[str, Any]]:
    """Those of them that go on: not the migration, not the first account."""
    return {name: each for name, each in our_services().items() if each["restart"] != "no"}


def seconds(text: str) -> int:
    """A duration of the compose file: ``60s``."""
    assert text.endswith("s"), text
    return int(text[:-1])


CHART = DEPLOY / "helm" / "mainstay"
RENDERED = {
    DEPLOY / "kubernetes" / "mainstay.yaml": [],
    DEPLOY / "kubernetes" / "everything.yaml": ["--values", str(CHART / "ci" / "everything.yaml")],
}
KUBERNETES = "1.34"
RENDER = ["template", "mainstay", str(CHART), "--namespace", "mainstay", "--kube-version", f"{KUBERNETES}.0"]
"""Words for helm; with those of ``RENDERED`` its output is what stands in that file."""


@cache
def manifests(path: Path) -> list[dict[str, Any]]:
    """The documents of a file."""
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def of_kind(path: Path, kind: str) -> dict[str, dict[str, Any]]:
    """Its documents of one kind, by name."""
    return {each["metadata"]["name"]: each for each in manifests(path) if each["kind"] == kind}


RULES = DEPLOY / "prometheus" / "rules.yaml"
RULES_TEST = DEPLOY / "prometheus" / "tests" / "rules_test.yaml"
DASHBOARD = DEPLOY / "grafana" / "mainstay.json"
RUNBOOKS = DEPLOY / "runbooks"


@cache
def alerts() -> dict[str, dict[str, Any]]:
    """The alerts by name."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


@cache
def panels() -> list[dict[str, Any]]:
    """The panels of the dashboard, with its rows."""
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression of rules and dashboard, with where it stands; Grafana's variables filled in."""
    for name, rule in alerts().items():
        yield name, rule["expr"]
    for panel in panels():
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", "2m").replace("$cluster", ".*")
