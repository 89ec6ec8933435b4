"""Alerts, dashboard and runbooks speak of metrics, words, pages and commands that there are."""

from __future__ import annotations

import json
import re
import shlex
from argparse import ArgumentParser
from pathlib import Path

import markdown
import pytest
import yaml
from django.core.management import get_commands, load_command_class
from django.urls import resolve

from dlq.domain.run import RunState
from dlq.domain.search import STATES
from dlq.domain.search import parse as parse_search
from reliability.breakers.domain.machine import Override
from reliability.breakers.domain.machine import State as BreakerState
from reliability.kernel.telemetry import names
from reliability.lag.domain.values import Word
from sagas.domain.reconciling.finding import State as FindingState
from sagas.domain.state import Status
from tests.support import deployed, promql, tools

ALERTS = deployed.alerts()
EXPRESSIONS = list(deployed.expressions())
RUNBOOKS = {path.stem: path.read_text() for path in deployed.RUNBOOKS.glob("*.md")}
SECTIONS = ["Look here first", "What to do", "It is over when", "False alarms"]
WORDS = {
    (names.LETTERS, "state"): set(STATES),
    (names.REPLAYS, "state"): set(RunState),
    (names.LAG_VERDICT, "word"): {word.value for word in Word},
    (names.SAGAS, "status"): set(Status),
    (names.FINDINGS, "state"): set(FindingState),
    (names.BREAKER_STATE, "state"): {*BreakerState, *Override},
    (names.ATTENTION, "status"): {"ok", "warn", "crit", "prog", "paused", "unknown"},
}
OF_WEB = {names.HTTP_DURATION}
"""Counted by the web processes themselves; what others count is not seen where they have machines of their own."""


def slug(alert: str) -> str:
    found = re.search(r"/alerts/runbooks/([a-z-]+)/$", ALERTS[alert]["annotations"]["runbook_url"])
    assert found, alert
    return found[1]


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=[f"{w}-{i}" for i, (w, _) in enumerate(EXPRESSIONS)])
def test_an_expression_asks_for_metrics_labels_and_words_that_there_are(where: str, expression: str) -> None:
    found = promql.asked(expression)
    assert found, where
    for each in found:
        assert each.metric.read or each.metric in OF_WEB
        assert {*each.matchers, *each.kept} <= each.labels
        for label, value in each.matchers.items():
            known = WORDS.get((each.metric, label))
            if known is not None:
                assert set(value.split("|")) <= {str(word) for word in known}


@pytest.mark.parametrize("name", ALERTS)
def test_a_replica_of_web_more_changes_no_alert(name: str) -> None:
    for each in promql.asked(ALERTS[name]["expr"]):
        merged = {"max", "min", "absent"} if each.metric.read else {"sum"}
        assert merged & set(each.around), "every web process tells the same figure"


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_it_is_how_bad_and_what_to_do(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"].startswith("{{ $externalLabels.mainstay_url }}/")
    kept = set.union(*(each.kept for each in promql.asked(rule["expr"])))
    said = " ".join(rule["annotations"].values())
    assert set(re.findall(r"\$labels\.(\w+)", said)) <= kept, "labels that the expression keeps"


@pytest.mark.parametrize("runbook", sorted(RUNBOOKS))
def test_what_to_do_is_one_list_for_the_console_too(runbook: str) -> None:
    steps = RUNBOOKS[runbook].partition("## What to do")[2].partition("## It is over")[0]
    assert markdown.markdown(steps, extensions=["tables", "fenced_code"]).count("<ol>") == 1


def test_each_alert_has_a_runbook_of_its_own_and_each_runbook_an_alert() -> None:
    assert sorted(slug(name) for name in ALERTS) == sorted(RUNBOOKS)
    for name, rule in ALERTS.items():
        text = RUNBOOKS[slug(name)]
        assert f"Alert `{name}`, severity {rule['labels']['severity']}." in text
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
        assert text.startswith("# ")


COMMANDS = [
    (name, line)
    for name, text in sorted(RUNBOOKS.items())
    for line in re.findall(r"^ *(python manage\.py .*)$", text, re.MULTILINE)
]


@pytest.mark.parametrize(("runbook", "line"), COMMANDS)
def test_a_command_of_a_runbook_is_one_that_its_parser_takes(runbook: str, line: str) -> None:
    python, manage, command, *words = shlex.split(line)
    assert (python, manage) == ("python", "manage.py")
    parser: ArgumentParser = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
    found = parser.parse_args(words)
    wanted = getattr(found, "filter", None)
    if wanted:
        parse_search(wanted)


@pytest.mark.parametrize("runbook", sorted(RUNBOOKS))
def test_links_of_a_runbook_lead_to_pages_and_runbooks_that_there_are(runbook: str) -> None:
    for path in re.findall(r"\]\(([^)]*)\)", RUNBOOKS[runbook]):
        other = re.fullmatch(r"/alerts/runbooks/([a-z-]+)/", path)
        if other:
            assert other[1] in RUNBOOKS
        else:
            assert resolve(path)


def test_the_tests_of_the_rules_raise_each_alert_and_none_for_a_healthy_console() -> None:
    document = yaml.safe_load(deployed.RULES_TEST.read_text())
    *raised, healthy = document["tests"]
    assert list(dict.fromkeys(f"Mainstay{each['name'].partition(' ')[0]}" for each in raised)) == list(ALERTS)
    for each in raised:
        *_, case = each["alert_rule_test"]
        assert case["exp_alerts"]
    assert [case["alertname"] for case in healthy["alert_rule_test"]] == list(ALERTS)
    assert not any(case["exp_alerts"] for case in healthy["alert_rule_test"])
    for each in document["tests"]:
        for series in each.get("input_series", ()):
            [one] = promql.asked(series["series"])
            assert set(one.matchers) <= one.labels | {"instance"}


def test_promtool_takes_the_rules_and_their_tests_pass() -> None:
    promtool = tools.program("promtool")
    for words in (["check", "rules", deployed.RULES], ["test", "rules", deployed.RULES_TEST]):
        done = tools.run(promtool, *map(str, words))
        assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_example_of_a_configuration() -> None:
    done = tools.run(
        tools.program("promtool"), "check", "config", "--syntax-only", str(deployed.RULES.with_name("prometheus.yml"))
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scrape_configuration_loads_the_rules_and_names_the_console() -> None:
    document = yaml.safe_load(deployed.RULES.with_name("prometheus.yml").read_text())
    assert document["rule_files"] == [deployed.RULES.name]
    assert document["global"]["external_labels"]["mainstay_url"].startswith("https://")
    [job] = document["scrape_configs"]
    assert (job["metrics_path"], job["authorization"]["type"]) == ("/metrics", "Bearer")


def test_the_adapter_serves_the_metric_that_the_autoscalers_ask_for() -> None:
    [rule] = yaml.safe_load(deployed.RULES.with_name("adapter.yaml").read_text())["rules"]["external"]
    assert rule["seriesQuery"] in names.ALL
    everything = Path(deployed.DEPLOY / "kubernetes" / "everything.yaml")
    for scaler in deployed.of_kind(everything, "HorizontalPodAutoscaler").values():
        for metric in scaler["spec"]["metrics"]:
            if metric["type"] == "External":
                assert metric["external"]["metric"]["name"] == rule["name"]["as"]
                assert set(metric["external"]["metric"]["selector"]["matchLabels"]) <= set(names.QUEUE_MESSAGES.labels)
    [asked] = promql.asked(rule["metricsQuery"].replace("{<<.LabelMatchers>>}", "").replace("<<.Series>>", "x"))
    assert asked.metric is names.QUEUE_MESSAGES


def test_the_dashboard_is_whole_and_its_panels_do_not_overlap() -> None:
    board = json.loads(deployed.DASHBOARD.read_text())
    assert {each["name"] for each in board["templating"]["list"]} == {"datasource", "cluster", "console"}
    ids = [panel["id"] for panel in deployed.panels()]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in deployed.panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])


def test_a_threshold_of_the_dashboard_is_that_of_the_alert() -> None:
    limits: dict[tuple[str, frozenset[tuple[str, str]]], set[float]] = {}
    for rule in ALERTS.values():
        compared, _, _ = rule["expr"].partition(" or absent(")
        limit = promql.limit(compared)
        for each in promql.asked(compared):
            if limit is not None:
                limits.setdefault((each.series, frozenset(each.matchers.items())), set()).add(limit or 1)
    seen = 0
    for panel in deployed.panels():
        steps = panel.get("fieldConfig", {}).get("defaults", {}).get("thresholds", {}).get("steps", [])
        for limit in (step["value"] for step in steps if step["value"] is not None):
            seen += 1
            [target] = panel["targets"]
            for each in promql.asked(target["expr"].replace("$__rate_interval", "5m").replace("$cluster", ".*")):
                own = frozenset((name, value) for name, value in each.matchers.items() if name != "cluster_name")
                assert limit in limits[each.series, own], panel["title"]
    assert seen >= 10
