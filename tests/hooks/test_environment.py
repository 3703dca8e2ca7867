from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from trainwatch_hooks import environment


def test_limits_are_the_smallest_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_cgroup_limit_bytes", lambda: 5 << 20)
    monkeypatch.setattr(environment, "_address_space_limit_bytes", lambda: 3 << 20)
    assert environment.hardware()["memory_limit_bytes"] == 3 << 20
    monkeypatch.setattr(environment, "_cgroup_limit_bytes", lambda: None)
    monkeypatch.setattr(environment, "_address_space_limit_bytes", lambda: None)
    found = environment.hardware()
    assert found["memory_limit_bytes"] == found["memory_total_bytes"] > 1 << 28


@pytest.mark.parametrize(
    ("text", "limit"), [("max\n", None), ("9223372036854771712\n", None), ("1073741824\n", 1 << 30), ("", None)]
)
def test_cgroup_files(text: str, limit: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text(text)
    monkeypatch.setattr(environment, "Path", lambda _: tmp_path / "memory.max")
    assert environment._cgroup_limit_bytes() == limit


def test_git(tmp_path: Path) -> None:
    assert environment.git(tmp_path) == {}
    for words in (
        ["init", "-q", "-b", "trunk"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    found = environment.git(tmp_path)
    assert len(found["commit"]) == 40
    assert (found["branch"], found["dirty"]) == ("trunk", False)


def test_without_git_there_is_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.git(tmp_path) == {}


def test_versions_and_process() -> None:
    assert environment.versions()["python"].startswith("3.")
    assert "numpy" in environment.versions()
    assert environment.process()["pid"] > 0
    assert environment.command()
