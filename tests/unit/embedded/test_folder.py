"""The folder of embedded servers: one holder, private files, facts that stay."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from reliability.embedded.folder import Folder, InUse, clean_environment, write_private
from reliability.embedded.refusal import Refusal


def test_a_folder_has_one_holder_who_is_named(tmp_path: Path) -> None:
    first, second = Folder(path=tmp_path / "x"), Folder(path=tmp_path / "x")
    first.hold()
    with pytest.raises(InUse, match=str(os.getpid())) as refusal:
        second.hold()
    assert refusal.value.pid == os.getpid()
    first.release()
    second.hold()
    second.release()


def test_a_folder_that_cannot_be_made_is_refused_in_one_sentence() -> None:
    with pytest.raises(Refusal, match="cannot be written"):
        Folder(path=Path("/proc/self/nowhere")).hold()


def test_what_is_kept_is_there_in_the_next_run_and_private(tmp_path: Path) -> None:
    folder = Folder(path=tmp_path)
    folder.keep(web_port=8000)
    secret = folder.secret("password")
    again = Folder(path=tmp_path)
    assert again.port("web") == 8000
    assert again.port("kafka") is None
    assert again.secret("password") == secret
    assert again.secret("other") != secret
    assert stat.S_IMODE((tmp_path / "kept.json").stat().st_mode) == 0o600


def test_broken_facts_count_as_none(tmp_path: Path) -> None:
    (tmp_path / "kept.json").write_text("{broken")
    assert Folder(path=tmp_path).kept() == {}


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_server_does_not_read_the_settings_of_its_clients(monkeypatch) -> None:
    for name in ("PGDATA", "PGHOST", "KAFKA_HEAP_OPTS", "CLASSPATH", "LC_MESSAGES"):
        monkeypatch.setenv(name, "unwanted")
    environment = clean_environment(extra={"MARK": "1"})
    assert "unwanted" not in environment.values()
    assert environment["LC_ALL"] == "C"
    assert environment["MARK"] == "1"
    assert environment["PATH"] == os.environ["PATH"]
