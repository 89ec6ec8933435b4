"""A value of the chart that is wrong is refused with its name; so says the schema, and so does helm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from reliability.environment import Environment
from tests.support import deployed, tools

SCHEMA = json.loads((deployed.CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((deployed.CHART / "values.yaml").read_text())
SET_BY_THE_CHART = {
    "MAINSTAY_ALLOWED_HOSTS",
    "MAINSTAY_ALIVE_PATH",
    "MAINSTAY_ENVIRONMENT_NAME",
    "MAINSTAY_HTTPS",
    "MAINSTAY_TRUSTED_PROXIES",
    "MAINSTAY_URL",
}
NOT_FOR_A_DEPLOYMENT = {"MAINSTAY_DEMO", "MAINSTAY_DEBUG", "MAINSTAY_BROKER", "MAINSTAY_BROKER_REASON"}
WRONG = [
    ("processes.beat.replicas", 9),
    ("processes.worker-relay.replicas", 17),
    ("processes.web.replicas", "two"),
    ("settings.MAINSTAY_LAG_HOT", 3),
    ("settings.MAINSTAY_SECRET_KEY", "x" * 64),
    ("image.digest", "sha256:short"),
    ("hosts", []),
    ("trustedProxies", 6),
    ("terminationGracePeriodSeconds", 5),
    ("secret.keys.MAINSTAY_SECRETKEY", "x"),
    ("networkPolicy.egress.redis.port", 70000),
    ("networkPolicy.dns.port", 0),
    ("processes.letters.clusters", ["two words"]),
    ("serviceMonitor.interval", "often"),
    ("ingres", {"enabled": True}),
]


def changed(path: str, value: object) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(VALUES))
    *folders, name = path.split(".")
    place = values
    for folder in folders:
        place = place[folder]
    place[name] = value
    return values


def complaints(values: dict[str, Any]) -> list[str]:
    found = jsonschema.Draft7Validator(SCHEMA).iter_errors(values)
    return [f"{'.'.join(str(part) for part in each.absolute_path)} {each.message}" for each in found]


def test_the_defaults_and_the_example_are_right() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert complaints(VALUES) == []
    example = yaml.safe_load((deployed.CHART / "ci" / "everything.yaml").read_text())
    assert [each for each in complaints(example) if "required" not in each] == []


@pytest.mark.parametrize(("path", "value"), WRONG, ids=[path for path, _ in WRONG])
def test_a_wrong_value_is_refused_with_its_name(path: str, value: object) -> None:
    found = complaints(changed(path, value))
    assert len(found) == 1
    assert path in found[0] or path.rpartition(".")[2] in found[0]


@pytest.mark.parametrize(("path", "value"), WRONG, ids=[path for path, _ in WRONG])
def test_helm_refuses_it_too(path: str, value: object, tmp_path: Path) -> None:
    helm = tools.program("helm")
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(changed(path, value)))
    done = tools.run(helm, *deployed.RENDER, "--values", str(tmp_path / "values.yaml"))
    assert done.returncode != 0
    assert path.rpartition(".")[2] in done.stderr


def test_every_setting_of_a_deployment_can_be_said_and_secrets_only_as_files() -> None:
    secret = set(SCHEMA["properties"]["secret"]["properties"]["keys"]["properties"])
    said = set(SCHEMA["properties"]["settings"]["properties"])
    assert secret & said == set()
    assert secret | said | SET_BY_THE_CHART | NOT_FOR_A_DEPLOYMENT == set(Environment.model_fields), (
        "a new setting belongs into values.schema.json: under `settings`, or where it is a secret under `secret.keys`"
    )


def test_limits_that_no_schema_can_say_are_refused_by_the_chart() -> None:
    helm = tools.program("helm")
    values = ["--set", "processes.web.autoscaling.enabled=true", "--set", "processes.web.autoscaling.min=9"]
    done = tools.run(helm, *deployed.RENDER, *values)
    assert done.returncode != 0
    assert "processes.web.autoscaling: min 9 is more than max 6" in done.stderr


@pytest.mark.parametrize(
    ("setting", "value", "port"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092,[fd00::1]:9093", "9093"),
        ("MAINSTAY_OIDC_ISSUER", "https://login.example/realms/main", "443"),
        ("MAINSTAY_OIDC_ISSUER", "https://login.example:8443/realms/main", "8443"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector", "80"),
    ],
)
def test_a_server_that_the_network_policy_shuts_out_is_refused(
    setting: str, value: str, port: str, tmp_path: Path
) -> None:
    helm = tools.program("helm")
    values: dict[str, Any] = {"settings": {setting: value}}
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    refused = tools.run(helm, *deployed.RENDER, "--values", str(file))
    assert refused.returncode != 0
    assert f"networkPolicy.egress has no line with port {port}, which settings.{setting} names" in refused.stderr
    file.write_text(yaml.safe_dump(values | {"networkPolicy": {"egress": {"other": {"port": int(port), "to": []}}}}))
    assert tools.run(helm, *deployed.RENDER, "--values", str(file)).returncode == 0
    file.write_text(yaml.safe_dump(values | {"networkPolicy": {"enabled": False}}))
    assert tools.run(helm, *deployed.RENDER, "--values", str(file)).returncode == 0


def test_clusters_may_stand_in_their_variable_alone() -> None:
    alone = changed("settings", {})
    assert any("KAFKA_BOOTSTRAP_SERVERS" in each or "valid under any" in each for each in complaints(alone))
    alone["secret"]["keys"]["KAFKA_CLUSTERS"] = "kafka_clusters"
    assert complaints(alone) == []
