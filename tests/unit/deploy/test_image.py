"""The image's recipe and the compose file say what they must, without an engine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose
from django.conf import settings

from reliability.embedded import packages, processes
from reliability.embedded.folder import Folder
from reliability.environment import Environment
from tests.support import deployed, production

SERVERS = {"postgres", "redis", "kafka"}
STAGES = deployed.stages()
SERVICES = deployed.our_services()
RUNS = deployed.processes()


def lines(stage: str, word: str) -> list[deployed.Instruction]:
    return [each for each in STAGES[stage] if each.word == word]


def test_the_process_runs_without_rights_and_as_the_first_of_its_container() -> None:
    assert [each.rest for each in lines("", "USER")] == ["10001:10001"], "by number, so that nobody has to look it up"
    for word in ("CMD", "HEALTHCHECK"):
        [only] = lines("", word)
        assert "[" in only.rest, f"{word} in exec form: a shell would keep signals to itself"


def test_it_has_the_locked_production_set_and_nothing_that_starts_servers() -> None:
    runs = [each.rest for each in lines("build", "RUN")]
    assert "uv sync --frozen --no-default-groups" in runs
    assert f"pip install --no-cache-dir --disable-pip-version-check uv=={packages.UV}" in runs
    assert any("rm -rf" in each and "reliability/embedded" in each for each in runs)
    assert [each.listed for each in lines("", "COPY")] == [["--from=build", "/app", "/app"]]
    assert variables_of("")["PYTHONUNBUFFERED"] == "1"


def variables_of(stage: str) -> dict[str, str]:
    return deployed.variables(STAGES[stage])


def test_the_default_command_is_that_of_web() -> None:
    [command] = lines("", "CMD")
    assert command.listed == RUNS["web"]["command"]
    [check] = lines("", "HEALTHCHECK")
    assert json.loads(check.rest.partition("CMD ")[2]) == RUNS["web"]["healthcheck"]["test"][1:]


def test_what_is_copied_is_sent_to_the_build_and_nothing_else() -> None:
    rules = [line for line in (deployed.ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert rules[0] == "*", "first everything is left out"
    sent = {rule[1:] for rule in rules if rule.startswith("!")} - {"deploy"}
    copied = {
        word
        for stage in ("browser", "build")
        for step in lines(stage, "COPY")
        if "--from" not in step.rest
        for word in step.listed[:-1]
    }
    assert {"deploy/image" if name.startswith("deploy/image/") else name for name in copied} == sent
    assert {"static/vendor", "**/__pycache__", "**/*.py[cod]"} <= set(rules)
    assert set(production.NOT_SENT("", ["vendor", "__pycache__", "a.pyc", "a.py"])) == {
        "vendor",
        "__pycache__",
        "a.pyc",
    }
    for name in copied:
        assert (deployed.ROOT / name).exists(), name


def test_the_compose_file_is_one() -> None:
    checked = PyCompose.from_json(json.dumps(deployed.compose()))
    assert set(checked.service_names()) == SERVERS | set(SERVICES)
    wrong = json.loads(json.dumps(deployed.compose()))
    wrong["services"]["web"]["stop_grace_perod"] = "60s"
    with pytest.raises(ValueError, match="stop_grace_perod"):
        PyCompose.from_json(json.dumps(wrong))


def test_there_is_one_service_for_each_process_of_the_console(tmp_path: Path) -> None:
    demo = [*processes.behind(Folder(path=tmp_path), env={}), processes.web(Folder(path=tmp_path), port=1, env={})]
    commands = {child.name: _plain(child.argv[1:]) for child in demo if child.name != "demo"}
    assert set(RUNS) == set(commands)
    for name, words in commands.items():
        if name != processes.WEB:
            assert _plain(RUNS[name]["command"]) == words, f"{name} is started as the demo starts it"


def _plain(words: Any) -> list[str]:
    """Without the word that says how Python is started."""
    return [word for word in words if word not in ("-m", "python")]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_can_change_nothing_and_has_no_secret_in_its_environment(name: str) -> None:
    service: Mapping[str, Any] = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(place.startswith("/tmp:") for place in service["tmpfs"])
    for variable, value in service["environment"].items():
        plain = variable.removesuffix("_FILE")
        assert plain in Environment.model_fields, f"{variable} is no setting"
        if str(value).startswith("/run/secrets/"):
            assert variable.endswith("_FILE")
            assert str(value).rpartition("/")[2] in service["secrets"], f"{variable} names a secret it does not get"
    openly = {name for name in service["environment"] if not name.endswith("_FILE")}
    assert not openly & {"DATABASE_URL", "REDIS_URL", "MAINSTAY_SECRET_KEY", "MAINSTAY_METRICS_TOKEN"}


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_process_waits_for_what_it_needs_and_is_given_time_to_end(name: str) -> None:
    conditions = {what: how["condition"] for what, how in RUNS[name]["depends_on"].items()}
    assert conditions == {"migrate": "service_completed_successfully", **dict.fromkeys(SERVERS, "service_healthy")}
    assert deployed.seconds(RUNS[name]["stop_grace_period"]) > 30, "longer than a statement of the database may take"
    assert RUNS[name]["restart"] == "unless-stopped"


def test_every_server_is_checked_and_its_data_outlives_it() -> None:
    services, volumes = deployed.compose()["services"], deployed.compose()["volumes"]
    for name in SERVERS:
        assert "healthcheck" in services[name], name
        assert services[name].get("user") or not str(services[name].get("command", "")).startswith("['sh'"), name
    for name in ("postgres", "kafka"):
        [volume] = services[name]["volumes"]
        assert volume.partition(":")[0] in volumes
    assert services["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"], "where version 18 keeps its data"


def test_secrets_are_made_once_and_stay(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    production.make_secrets(folder)
    first = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(first) == set(deployed.compose()["secrets"])
    assert folder.stat().st_mode & 0o077 == 0
    assert len(first["secret_key"]) == 64
    assert first["postgres_password"] in first["database_url"]
    assert first["redis_password"] in first["redis_url"]
    assert len(set(first.values())) == len(first)
    production.make_secrets(folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == first
    ignored = subprocess.run(
        ["git", "check-ignore", "-q", "deploy/compose/secrets/x"], cwd=deployed.ROOT, check=False, capture_output=True
    )
    assert ignored.returncode in (0, 128), "secrets are not committed"  # 128: no repository here


def test_one_version_is_named_everywhere() -> None:
    version = settings.MAINSTAY_VERSION
    [label] = lines("", "LABEL")
    assert f'org.opencontainers.image.version="{version}"' in label.rest
    chart = yaml.safe_load((deployed.CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (version, version)
    assert {service["image"] for service in SERVICES.values()} == {f"mainstay:{version}"}
    [kustomization] = deployed.manifests(deployed.DEPLOY / "kubernetes" / "kustomization.yaml")
    assert {each["newTag"] for each in kustomization["images"]} == {version}
