"""What stands before the console: sockets stay open, acts are never repeated, dead processes are left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import crossplane
import pytest
import yaml

from reliability.kernel.telemetry.sampling import ALWAYS
from tests.support import deployed, nginx, tools

LONG = {"/live/", "/ofrep/v1/events"}
STATEMENT_S = 30  # what a statement of the database may take
SAFE = {"connect-failure", "refused-stream"}
"""Conditions under which nothing has reached the console."""


def test_nginx_takes_the_example(tmp_path: Path) -> None:
    program = tools.program("nginx")
    whole = nginx.configuration(tmp_path, upstream=8000, plain=8080, tls=8443)
    done = tools.run(program, "-t", "-p", str(tmp_path), "-e", str(tmp_path / "error.log"), "-c", str(whole))
    assert done.returncode == 0, done.stderr


def lines_of_nginx() -> list[dict[str, Any]]:
    parsed = crossplane.parse(str(nginx.EXAMPLE), single=True, check_ctx=False)
    assert parsed["status"] == "ok", parsed["errors"]
    found: list[dict[str, Any]] = parsed["config"][0]["parsed"]
    return found


def every(lines: list[dict[str, Any]], word: str) -> list[dict[str, Any]]:
    found = [line for line in lines if line["directive"] == word]
    return found + [each for line in lines for each in every(line.get("block", []), word)]


def test_nginx_passes_sockets_repeats_no_act_and_hides_figures() -> None:
    lines = lines_of_nginx()
    [upstream] = every(lines, "upstream")
    assert "least_conn" in {line["directive"] for line in upstream["block"]}
    headers = {tuple(line["args"]) for line in every(lines, "proxy_set_header")}
    assert {
        ("Upgrade", "$http_upgrade"),
        ("X-Forwarded-For", "$proxy_add_x_forwarded_for"),
        ("X-Forwarded-Proto", "$scheme"),
    } <= headers
    [again] = every(lines, "proxy_next_upstream")
    assert again["args"] == ["error"], "never non_idempotent, never for an answer that came"
    places = {" ".join(line["args"]): line["block"] for line in every(lines, "location")}
    assert {f"= {path}" for path in LONG} <= set(places)
    assert every(places["= /metrics"], "return")[0]["args"] == ["404"]
    assert every(places["= /ofrep/v1/events"], "proxy_buffering")[0]["args"] == ["off"]


def istio(name: str) -> dict[str, dict[str, Any]]:
    documents = yaml.safe_load_all((deployed.DEPLOY / "istio" / f"{name}.yaml").read_text())
    return {each["kind"]: each["spec"] for each in documents}


def test_istio_repeats_what_only_reads_and_has_not_arrived() -> None:
    routes = istio("console")["VirtualService"]["http"]
    for route in routes:
        if "directResponse" in route:
            continue
        attempts = route["retries"]["attempts"]
        reads = "match" in route and all(each.get("method") == {"regex": "GET|HEAD"} for each in route["match"])
        assert attempts == 0 or reads, "said for each route: unsaid, Istio repeats twice"
        if attempts:
            assert set(route["retries"]["retryOn"].split(",")) <= SAFE
    assert "match" not in routes[-1], "the last one takes everything else"
    [long] = [route for route in routes if route["name"] == "open-for-long"]
    assert {each["uri"]["exact"] for each in long["match"]} == LONG
    assert long["timeout"] == "0s"


@pytest.mark.parametrize("name", ["console", "dependency"])
def test_istio_leaves_out_single_hosts_and_never_most_of_them(name: str) -> None:
    found = istio(name)
    outliers = found["DestinationRule"]["trafficPolicy"]["outlierDetection"]
    assert outliers["maxEjectionPercent"] <= 50
    assert found["DestinationRule"]["host"] in str(found["VirtualService"]["http"])


def test_where_we_retry_the_mesh_does_not() -> None:
    [route] = istio("dependency")["VirtualService"]["http"]
    assert route["retries"] == {"attempts": 0}


def envoy() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((deployed.DEPLOY / "envoy" / "envoy.yaml").read_text())["static_resources"]
    return found


def test_envoy_repeats_what_only_reads_and_has_not_arrived() -> None:
    [listener] = envoy()["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    assert manager["upgrade_configs"] == [{"upgrade_type": "websocket"}]
    assert manager["use_remote_address"] is True
    [host] = manager["route_config"]["virtual_hosts"]
    *others, last = host["routes"]
    assert last["match"] == {"prefix": "/"}
    assert "retry_policy" not in last["route"]
    for each in others:
        policy = each.get("route", {}).get("retry_policy")
        if policy:
            assert each["match"]["headers"][0]["string_match"]["safe_regex"]["regex"] == "GET|HEAD"
            assert set(policy["retry_on"].split(",")) <= SAFE
    timeouts = {each["match"].get("path"): each["route"]["timeout"] for each in others if "route" in each}
    assert {path for path, timeout in timeouts.items() if timeout == "0s"} == LONG
    assert deployed.seconds(last["route"]["timeout"]) > STATEMENT_S


def test_envoy_asks_whether_a_process_lives_and_leaves_out_what_does_not_answer() -> None:
    [cluster] = envoy()["clusters"]
    [check] = cluster["health_checks"]
    assert check["http_health_check"]["path"] == "/health/live"
    assert cluster["outlier_detection"]["enforcing_consecutive_5xx"] == 0
    assert cluster["outlier_detection"]["max_ejection_percent"] <= 50


def test_the_collector_keeps_errors_and_what_is_marked_and_uses_all_it_defines() -> None:
    collector = yaml.safe_load((deployed.DEPLOY / "otel" / "collector.yaml").read_text())
    [pipeline] = collector["service"]["pipelines"].values()
    for part in ("receivers", "processors", "exporters"):
        assert set(pipeline[part]) == set(collector[part])
    assert collector["service"]["extensions"] == list(collector["extensions"])
    assert pipeline["processors"] == ["memory_limiter", "tail_sampling", "batch"], "refuse first, batch last"
    policies = {each["name"]: each for each in collector["processors"]["tail_sampling"]["policies"]}
    assert all(each["type"] in each for each in policies.values())
    assert policies["errors"]["status_code"] == {"status_codes": ["ERROR"]}
    assert policies["marked"]["boolean_attribute"] == {"key": ALWAYS, "value": True}
    assert collector["exporters"]["otlphttp"]["endpoint"] == "${env:OTLP_ENDPOINT}"
