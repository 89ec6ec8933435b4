"""The chart's manifests, as they were rendered: valid, safe, and of one piece."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from reliability.environment import Environment
from tests.support import deployed, tools

FILES = sorted(deployed.RENDERED)
DEFAULT, EVERYTHING = deployed.DEPLOY / "kubernetes/mainstay.yaml", deployed.DEPLOY / "kubernetes/everything.yaml"
KINDS_WITHOUT_SCHEMA = {"ServiceMonitor"}  # of the Prometheus operator
VERSIONS = ("1.30", deployed.KUBERNETES)
PROCESSES = set(deployed.processes())
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def pods(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The description of every pod, by the process it runs."""
    for each in deployed.manifests(path):
        if each["kind"] in ("Deployment", "Job"):
            template = each["spec"]["template"]
            yield template["metadata"]["labels"]["app.kubernetes.io/component"], template["spec"]


def environment(pod: dict[str, Any]) -> dict[str, Any]:
    [container] = pod["containers"]
    return {each["name"]: each.get("value") for each in container["env"]}


@each_file
@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_valid(path: Path, version: str) -> None:
    for each in deployed.manifests(path):
        if each["kind"] not in KINDS_WITHOUT_SCHEMA:
            kubernetes_validate.validate(each, version, strict=True)


def test_a_manifest_with_a_mistake_is_refused() -> None:
    wrong = {**deployed.manifests(DEFAULT)[0], "specs": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, deployed.KUBERNETES, strict=True)


@each_file
def test_one_deployment_runs_each_process_with_the_command_of_the_compose_file(path: Path) -> None:
    found = {name: pod for name, pod in pods(path) if not name.startswith("letters-")}
    assert set(found) == PROCESSES | {"migrate"}
    for name, pod in found.items():
        [container] = pod["containers"]
        assert container["args"] == deployed.our_services()[name]["command"], name
        assert "command" not in container, "the image has no entry point to take away"


def test_letters_of_other_clusters_are_stored_by_pods_of_their_own() -> None:
    found = dict(pods(EVERYTHING))
    [other] = found["letters-eu-west-1"]["containers"]
    assert other["args"] == [*found["letters"]["containers"][0]["args"], "--cluster", "eu.West_1"]
    [more] = [name for name in found if name.startswith("letters-")]
    assert found[more]["terminationGracePeriodSeconds"] == found["letters"]["terminationGracePeriodSeconds"]


@each_file
def test_no_pod_has_more_rights_than_it_needs(path: Path) -> None:
    for name, pod in pods(path):
        [container] = pod["containers"]
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"], name
        writable = {each["mountPath"] for each in container["volumeMounts"] if not each.get("readOnly")}
        assert writable == {"/tmp"}, name


@each_file
def test_secrets_are_files_and_every_variable_is_a_setting(path: Path) -> None:
    for name, pod in pods(path):
        env = environment(pod)
        for variable, value in env.items():
            assert variable == "POD_IP" or variable.removesuffix("_FILE") in Environment.model_fields, (name, variable)
            if variable.endswith("_FILE"):
                assert value.startswith("/run/secrets/mainstay/")
        assert not {"DATABASE_URL", "REDIS_URL", "MAINSTAY_SECRET_KEY", "KAFKA_SASL_PASSWORD"} & set(env)
        assert {"DATABASE_URL_FILE", "REDIS_URL_FILE", "MAINSTAY_SECRET_KEY_FILE"} <= set(env)
        assert env["MAINSTAY_ALLOWED_HOSTS"].endswith(",$(POD_IP),[$(POD_IP)]")
        [first, *_] = pod["containers"][0]["env"]
        assert first["name"] == "POD_IP", "a variable is put in only where it was named before"


@each_file
def test_every_process_is_probed_and_no_outage_of_a_server_restarts_one(path: Path) -> None:
    for name, each in deployed.of_kind(path, "Deployment").items():
        [container] = each["spec"]["template"]["spec"]["containers"]
        liveness, startup = container["livenessProbe"], container["startupProbe"]
        if name.endswith("-web"):
            assert liveness["httpGet"]["path"] == container["readinessProbe"]["httpGet"]["path"] == "/health/live"
            assert startup["httpGet"]["path"] == "/health/ready"
        else:
            check = deployed.processes()[container["name"]]["healthcheck"]["test"][1:]
            assert liveness["exec"]["command"] == startup["exec"]["command"] == check
        grace_s = each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert grace_s == deployed.seconds(deployed.processes()[container["name"]]["stop_grace_period"])


@each_file
def test_budgets_scalers_services_and_policies_mean_pods_that_there_are(path: Path) -> None:
    deployments = deployed.of_kind(path, "Deployment")
    labels = {name: each["spec"]["template"]["metadata"]["labels"] for name, each in deployments.items()}

    def chosen(selector: dict[str, str]) -> set[str]:
        return {name for name, own in labels.items() if selector.items() <= own.items()}

    for name, each in deployments.items():
        assert chosen(each["spec"]["selector"]["matchLabels"]) == {name}
    budgets = deployed.of_kind(path, "PodDisruptionBudget")
    assert {name: chosen(each["spec"]["selector"]["matchLabels"]) for name, each in budgets.items()} == {
        name: {name} for name in deployments
    }
    for each in deployed.of_kind(path, "HorizontalPodAutoscaler").values():
        target = deployments[each["spec"]["scaleTargetRef"]["name"]]
        assert "replicas" not in target["spec"], "two would decide how many there are"
        assert each["spec"]["minReplicas"] <= each["spec"]["maxReplicas"]
    for each in deployed.of_kind(path, "Service").values():
        assert chosen(each["spec"]["selector"]) == {"mainstay-web"}
    policies = deployed.of_kind(path, "NetworkPolicy")
    assert chosen(policies["mainstay"]["spec"]["podSelector"]["matchLabels"]) == set(deployments)
    assert policies["mainstay"]["spec"]["ingress"] == [], "nothing comes in that another policy does not let in"
    assert chosen(policies["mainstay-web"]["spec"]["podSelector"]["matchLabels"]) == {"mainstay-web"}
    assert all(rule["from"] for rule in policies["mainstay-web"]["spec"]["ingress"])


@each_file
def test_migrations_run_before_anything_new(path: Path) -> None:
    [job] = deployed.of_kind(path, "Job").values()
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_with_every_option_queues_scale_workers_and_prometheus_is_let_in() -> None:
    scalers = deployed.of_kind(EVERYTHING, "HorizontalPodAutoscaler")
    queues = {
        name: [metric["external"]["metric"]["selector"]["matchLabels"]["queue"] for metric in each["spec"]["metrics"]]
        for name, each in scalers.items()
        if name != "mainstay-web"
    }
    assert queues == {"mainstay-worker-standard": ["critical", "standard"], "mainstay-worker-bulk": ["bulk"]}
    [monitor] = deployed.of_kind(EVERYTHING, "ServiceMonitor").values()
    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint["authorization"]["credentials"] == {"name": "mainstay", "key": "metrics_token"}
    [ingress] = deployed.of_kind(EVERYTHING, "Ingress").values()
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ingress["spec"]["tls"][0]["hosts"]


def test_kustomize_takes_the_rendered_manifests() -> None:
    [kustomization] = deployed.manifests(deployed.DEPLOY / "kubernetes" / "kustomization.yaml")
    assert [deployed.DEPLOY / "kubernetes" / name for name in kustomization["resources"]] == [DEFAULT]
    images = {pod["containers"][0]["image"].partition(":")[0] for _, pod in pods(DEFAULT)}
    assert images == {each["name"] for each in kustomization["images"]}


@each_file
def test_they_are_what_the_chart_renders(path: Path) -> None:
    words = [*deployed.RENDER, *deployed.RENDERED[path]]
    done = tools.run(tools.program("helm"), *words)
    assert done.returncode == 0, done.stderr
    again = f"helm {' '.join(words)} > {path}".replace(f"{deployed.ROOT}/", "")
    assert done.stdout == path.read_text(), f"the chart has changed: {again}"
