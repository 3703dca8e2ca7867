from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

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
@pytest.mark.parametrize("name", ["memory.max", "memory.limit_in_bytes"])
def test_cgroup_files(name: str, text: str, limit: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_text(text)
    monkeypatch.setattr(environment, "CGROUPS", tmp_path)
    assert environment._cgroup_limit_bytes() == limit


def test_a_parents_limit_binds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = tmp_path / "job" / "step"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max")
    (tmp_path / "job" / "memory.max").write_text("4096")
    monkeypatch.setattr(environment, "CGROUPS", tmp_path)
    monkeypatch.setattr(environment, "memory_cgroup", lambda: group)
    assert environment._cgroup_limit_bytes() == 4096


@pytest.mark.parametrize(
    ("files", "kills", "free"),
    [
        ({"memory.events": "oom 3\noom_kill 2\n", "memory.max": "1000", "memory.current": "900",
          "memory.stat": "anon 1\ninactive_file 300\n"}, 2, 400),
        ({"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n", "memory.limit_in_bytes": "1000",
          "memory.usage_in_bytes": "2000"}, 5, 0),
        ({}, None, None),
    ],
)  # fmt: skip
def test_what_a_control_group_tells(files: dict[str, str], kills: int | None, free: int | None, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert environment.oom_kills(tmp_path) == kills
    found = environment.free_memory(tmp_path)
    assert found == free if free is not None else found is None or found > 1 << 20
    assert environment.oom_kills(None) is None


def test_the_group_of_this_process_is_found_where_there_is_one() -> None:
    group = environment.memory_cgroup()
    if group is not None:
        assert any((group / name).is_file() for name in environment.EVENT_FILES)
    found = environment.process()
    assert found["memory_cgroup"] == (str(group) if group else None)
    assert {"boot_id", "oom_kills", "machine_oom_kills"} <= set(found)


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


def test_processes_that_train_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")  # of four trainings side by side
    assert environment.world_size(SimpleNamespace(world_size=0)) == 1, "on a CPU"
    assert environment.world_size(SimpleNamespace(world_size=2)) == 2
    assert environment.world_size(SimpleNamespace()) == 1, "before 8.4, alone"


def test_processes_that_train_together_before_84() -> None:
    pytest.importorskip("torch")
    script = (
        "from types import SimpleNamespace; import torch.distributed as dist; from trainwatch_hooks import environment\n"
        "dist.init_process_group('gloo', store=dist.HashStore(), rank=0, world_size=1)\n"
        "dist.get_world_size = lambda: 3\nprint(environment.world_size(SimpleNamespace()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "3", done.stderr
