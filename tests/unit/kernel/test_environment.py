"""What a command says when the settings name no servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reliability import environment

ROOT = Path(__file__).parents[3]
NEEDED = ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "MAINSTAY_SECRET_KEY")


@pytest.fixture
def nothing_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No demo, no variables; the path of the state that a demo would write."""
    for name in NEEDED:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    monkeypatch.setattr(environment.loading, "STATE_FILE", tmp_path / "state.json")
    return tmp_path / "state.json"


def test_without_a_demo_and_without_servers_it_says_how_to_get_either(nothing_named: Path) -> None:
    with pytest.raises(environment.WrongSetting) as wrong:
        environment.load()
    first, *others = str(wrong.value).splitlines()
    assert first.startswith("No demo runs beside this checkout, and no servers are named. Start one with `make demo`")
    assert [line.strip().partition(":")[0] for line in others] == list(NEEDED)
    assert all("(example: " in line for line in others)


def test_one_missing_setting_is_named_alone(nothing_named: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/x")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
    monkeypatch.setenv("MAINSTAY_SECRET_KEY", "x" * 64)
    with pytest.raises(environment.WrongSetting) as wrong:
        environment.load()
    assert str(wrong.value).startswith("REDIS_URL: is not set")


def test_the_doctor_says_it_without_a_traceback(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from reliability import environment as e; "
    code += f"e.loading.STATE_FILE = Path({str(tmp_path / 'none')!r}); sys.argv = ['manage.py', 'doctor']; "
    code += "import manage; manage.main()"
    env = {name: value for name, value in os.environ.items() if name not in NEEDED and "DJANGO" not in name}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("No demo runs beside this checkout")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("prepare_threshold=abc", "neither a number nor never"),
        ("prepare_threshold=3.5", "neither a number nor never"),
        ("prepare_threshold=-1", "neither a number nor never"),
        ("prepare_threshold=", "neither a number nor never"),
        ("pool=false", "must not say pool"),
        ("sslmode=require&options=-c%20x", "must not say options"),
    ],
)
def test_what_stands_behind_a_database_address_is_checked_at_the_start(
    nothing_named: Path, monkeypatch: pytest.MonkeyPatch, words: str, told: str
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://r/0")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
    monkeypatch.setenv("MAINSTAY_SECRET_KEY", "x" * 64)
    for right in ("", "?sslmode=require", "?prepare_threshold=never", "?prepare_threshold=0"):
        monkeypatch.setenv("DATABASE_URL", f"postgresql://db/x{right}")
        environment.load()
    monkeypatch.setenv("DATABASE_URL", f"postgresql://db/x?{words}")
    with pytest.raises(environment.WrongSetting, match=f"DATABASE_URL: .*{told}"):
        environment.load()


@pytest.mark.parametrize("token", ["short", "ü" * 24, f"{'t' * 24} {'t' * 24}", f"{'t' * 24}\n"])
def test_a_token_for_metrics_that_guards_nothing_or_fits_no_header_is_refused(
    nothing_named: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/x")
    monkeypatch.setenv("REDIS_URL", "redis://r/0")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
    monkeypatch.setenv("MAINSTAY_SECRET_KEY", "x" * 64)
    monkeypatch.setenv("MAINSTAY_METRICS_TOKEN", token)
    with pytest.raises(environment.WrongSetting, match="MAINSTAY_METRICS_TOKEN: must have at least 24 characters"):
        environment.load()
    monkeypatch.setenv("MAINSTAY_METRICS_TOKEN", "t" * 24)
    assert environment.load().MAINSTAY_METRICS_TOKEN == "t" * 24


@pytest.mark.parametrize("origins", ["*", "shop.example", "https://shop.example/", "https://shop.example/x", "ftp://a"])
def test_pages_of_other_sites_are_named_by_their_whole_origin(
    nothing_named: Path, monkeypatch: pytest.MonkeyPatch, origins: str
) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "MAINSTAY_SECRET_KEY"):
        monkeypatch.setenv(name, ORIGINS_BESIDE[name])
    monkeypatch.setenv("MAINSTAY_OFREP_ORIGINS", origins)
    with pytest.raises(environment.WrongSetting, match=r"MAINSTAY_OFREP_ORIGINS: .* is no origin"):
        environment.load()
    monkeypatch.setenv("MAINSTAY_OFREP_ORIGINS", "https://shop.example,http://127.0.0.1:8080")
    assert environment.load().MAINSTAY_OFREP_ORIGINS == ["https://shop.example", "http://127.0.0.1:8080"]


ORIGINS_BESIDE = {
    "DATABASE_URL": "postgresql://a@127.0.0.1/a",
    "REDIS_URL": "redis://127.0.0.1/0",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "MAINSTAY_SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
}


def test_a_file_of_life_without_a_folder_is_refused_with_its_name(
    nothing_named: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NEEDED:
        monkeypatch.setenv(name, "redis://r" if name == "REDIS_URL" else "postgresql://db/x" + "x" * 32)
    monkeypatch.setenv("MAINSTAY_ALIVE_PATH", str(nothing_named.parent / "none" / "alive"))
    with pytest.raises(environment.WrongSetting) as wrong:
        environment.load()
    assert str(wrong.value).startswith("MAINSTAY_ALIVE_PATH: is to be touched, but there is no folder ")


def test_celery_needs_a_broker_of_its_own_beside_a_cluster(
    nothing_named: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "MAINSTAY_SECRET_KEY"):
        monkeypatch.setenv(name, ORIGINS_BESIDE[name])
    monkeypatch.setenv("REDIS_URL", "redis+cluster://:a-Secret@a:1,b:2")
    with pytest.raises(environment.WrongSetting, match=r"REDIS_URL names a Redis Cluster: .* set CELERY_BROKER_URL"):
        environment.load()
    monkeypatch.setenv("CELERY_BROKER_URL", "redis+cluster://:a-Secret@a:1")
    with pytest.raises(environment.WrongSetting, match=r"CELERY_BROKER_URL: Celery's messages cannot be kept"):
        environment.load()
    monkeypatch.setenv("CELERY_BROKER_URL", "redis+sentinel://:a-Secret@a:1/m")
    assert "a-Secret" not in repr(environment.load())
    monkeypatch.setenv("REDIS_URL", "rediss://h?ssl_ca_certs=/not/there")
    with pytest.raises(environment.WrongSetting, match=r"REDIS_URL: names /not/there, which cannot be read"):
        environment.load()


@pytest.fixture
def all_named(nothing_named: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What has to be named is, and more may be."""
    for name, value in zip(NEEDED, ("postgresql://db/x", "redis://r/0", "kafka:9092", "x" * 64), strict=True):
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("MAINSTAY_READONLY", "MAINSTAY_READ_ONLY"),
        ("MAINSTAY_TRUSTED_PROXY", "MAINSTAY_TRUSTED_PROXIES"),
        ("MAINSTAY_METRIC_TOKEN_FILE", "MAINSTAY_METRICS_TOKEN_FILE"),
        ("KAFKA_SASL_MECHANISMS", "KAFKA_SASL_MECHANISM"),
    ],
)
def test_a_name_that_is_nearly_a_settings_is_not_passed_over(
    all_named: pytest.MonkeyPatch, variable: str, meant: str
) -> None:
    all_named.setenv(variable, "true")
    with pytest.raises(environment.WrongSetting) as wrong:
        environment.load()
    assert str(wrong.value) == f"{variable} is no setting; did you mean {meant}?"


@pytest.mark.parametrize(
    "variable", ["MAINSTAY_PORT", "MAINSTAY_SERVICE_HOST", "MAINSTAY_PORT_80_TCP_ADDR", "KAFKA_HEAP_OPTS", "KAFKA_PORT"]
)
def test_what_other_programs_put_into_an_environment_troubles_nobody(
    all_named: pytest.MonkeyPatch, variable: str
) -> None:
    all_named.setenv(variable, "tcp://10.0.0.1:80")
    assert environment.load().REDIS_URL == "redis://r/0"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty: write the value into it, or leave MAINSTAY_METRICS_TOKEN_FILE out"),
        (b" \n", "is empty"),
        (b"x" * 30 + b"\x00", "has a NUL in it"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (b"x" * 1_100_000, "has more than 1048576 characters"),
    ],
)
def test_a_file_that_holds_no_value_is_refused(
    all_named: pytest.MonkeyPatch, tmp_path: Path, content: bytes, told: str
) -> None:
    (tmp_path / "token").write_bytes(content)
    all_named.setenv("MAINSTAY_METRICS_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(environment.WrongSetting, match=told) as wrong:
        environment.load()
    assert "xxx" not in str(wrong.value)


def test_a_value_and_a_file_for_it_are_one_too_many(all_named: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("\ufeffredis://:secret@other/0\n", encoding="utf-8")
    all_named.setenv("REDIS_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(environment.WrongSetting, match="REDIS_URL and REDIS_URL_FILE are both set: give one of them"):
        environment.load()
    all_named.setenv("REDIS_URL", "")  # as compose passes on what nobody said
    assert environment.load().REDIS_URL == "redis://:secret@other/0"


def test_a_database_named_by_a_file_is_not_joined_by_the_servers_of_a_demo(
    nothing_named: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    state = {"database_url": "postgresql://demo/x", "redis_url": "redis://demo/0", "kafka_bootstrap_servers": "demo:1"}
    nothing_named.write_text(json.dumps({**state, "secret_key": "x" * 64, "broker": "kafka"}))
    assert environment.load().MAINSTAY_DEMO
    (tmp_path / "url").write_text("postgresql://real/x")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(environment.WrongSetting, match="REDIS_URL: is not set"):
        environment.load()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("postgresql://u:Geh#eim@h:5432/x", "is written %2F"),
        ("postgresql://u:Geh/eim@h:5432/x", "is written %2F"),
        ("postgresql://u:Geh[eim@h:5432/x", "is written %2F"),
        ("postgresql://u:Geh?eim@h:5432/x", "is written %2F"),
        ("postgresql://u:Geheim@h:99999/x", "is no host:port"),
        ("postgresql://u:Geheim@h:abc/x", "is no host:port"),
        ("postgresql://u:Geheim@h:5432", "names no database"),
        ("postgresql://u:Geheim@h:5432/", "names no database"),
        ("postgresql://u:Geheim@h/x?sslmod=require", "that libpq does not know: sslmod"),
        ("postgresql://u:Geheim@h/x?sslmode=verify-ful", "sslmode that is none of disable, allow"),
        ("postgresql://u:Geheim@h/x?sslmode=verify-full&sslrootcert=/not/there", "/not/there as sslrootcert, which"),
    ],
)
def test_an_address_of_a_database_that_is_wrong_stops_the_start_and_tells_no_part_of_a_password(
    all_named: pytest.MonkeyPatch, address: str, told: str
) -> None:
    all_named.setenv("DATABASE_URL", address)
    with pytest.raises(environment.WrongSetting) as wrong:
        environment.load()
    assert str(wrong.value).startswith("DATABASE_URL: ")
    assert told in str(wrong.value)
    assert "Geh" not in str(wrong.value)
    assert "eim" not in str(wrong.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:p%23%2F@h1,h2:5432/x?target_session_attrs=read-write&prepare_threshold=never",
        "postgresql:///x?host=/run/postgresql",
        "postgres://u@[::1]/x?sslmode=verify-full&sslrootcert=system",
        "postgresql://?service=mainstay",
    ],
)
def test_an_address_of_a_database_that_is_unusual_is_taken(all_named: pytest.MonkeyPatch, address: str) -> None:
    all_named.setenv("DATABASE_URL", address)
    assert address == environment.load().DATABASE_URL


def test_the_end_of_a_password_is_not_told_as_an_option_of_redis(all_named: pytest.MonkeyPatch) -> None:
    all_named.setenv("REDIS_URL", "redis://:Geh?eim@h:6379/0")
    with pytest.raises(environment.WrongSetting, match=r"a \? in a password is written %3F") as wrong:
        environment.load()
    assert "eim" not in str(wrong.value)
