"""Settings of signing in: what is wrong stops the start with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from reliability import environment
from reliability.settings import signin

WHOLE = {
    "DATABASE_URL": "postgresql://db/x",
    "REDIS_URL": "redis://cache/0",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "MAINSTAY_SECRET_KEY": "x" * 64,
    "MAINSTAY_OIDC_ISSUER": "https://login.example/realms/main",
    "MAINSTAY_OIDC_CLIENT_ID": "mainstay",
    "MAINSTAY_OIDC_ROLES": "admin=leads; operator = ops , oncall;",
}


@pytest.fixture(autouse=True)
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WHOLE.items():
        monkeypatch.setenv(name, value)


def test_a_provider_is_described_by_three_settings() -> None:
    told = signin.oidc(environment.load())

    assert told["roles"] == {"admin": ["leads"], "operator": ["ops", "oncall"]}
    assert (told["issuer"], told["scopes"], told["default_role"]) == (
        WHOLE["MAINSTAY_OIDC_ISSUER"],
        ["openid", "profile"],
        "",
    )


def test_the_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    monkeypatch.setenv("MAINSTAY_OIDC_CLIENT_SECRET_FILE", str(tmp_path / "secret"))

    assert signin.oidc(environment.load())["client_secret"] == "s3cret"


def test_without_an_issuer_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ISSUER", "CLIENT_ID", "ROLES"):
        monkeypatch.delenv(f"MAINSTAY_OIDC_{name}")

    assert signin.oidc(environment.load()) == {}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MAINSTAY_OIDC_ISSUER", "http://login.example", "must be https"),
        ("MAINSTAY_OIDC_ISSUER", "https://a:b@login.example", "without ?, # and @"),
        ("MAINSTAY_OIDC_ISSUER", "https://login.example?x=1", "without ?, # and @"),
        ("MAINSTAY_OIDC_ISSUER", "login.example", "without ?, # and @"),
        ("MAINSTAY_OIDC_ISSUER", "", "MAINSTAY_OIDC_ISSUER is not set"),
        ("MAINSTAY_OIDC_CLIENT_ID", "", "needs MAINSTAY_OIDC_CLIENT_ID"),
        ("MAINSTAY_OIDC_ROLES", "", "says who gets which role"),
        ("MAINSTAY_OIDC_ROLES", "admin", "has no '='"),
        ("MAINSTAY_OIDC_ROLES", "{", "is no JSON"),
        ("MAINSTAY_OIDC_ROLES", "root=x", "Input should be 'viewer', 'operator' or 'admin'"),
        ("MAINSTAY_OIDC_DEFAULT_ROLE", "admin", "MAINSTAY_OIDC_DEFAULT_ROLE"),
        ("MAINSTAY_OIDC_SCOPES", "profile", "must have openid"),
        ("MAINSTAY_OIDC_CLOCK_SKEW_S", "3600", "MAINSTAY_OIDC_CLOCK_SKEW_S"),
        ("MAINSTAY_SESSION_HOURS", "0", "MAINSTAY_SESSION_HOURS"),
        ("MAINSTAY_MFA_REQUIRED_FOR", "admin,root", "root is no role"),
    ],
)
def test_what_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(environment.WrongSetting) as wrong:
        environment.load()
    assert told in str(wrong.value)
    assert "x" * 64 not in str(wrong.value)
