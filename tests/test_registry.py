from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trainwatch import registry

INSTALLED = "[console_scripts]\nx = y:z\n\n[trainwatch.detectors]\nmoon-phase = stranger.moon_phase\n"


@pytest.mark.parametrize("kind", ["dist-info", "egg-info"])
def test_an_installed_package_adds_a_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    folder = tmp_path / f"stranger-1.0.{kind}"
    folder.mkdir()
    (folder / "entry_points.txt").write_text(INSTALLED)
    (folder / ("METADATA" if kind == "dist-info" else "PKG-INFO")).write_text("Name: stranger\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert [e.value for e in registry.entry_points(group="trainwatch.detectors")] == ["stranger.moon_phase"]
    assert registry.names("trainwatch.detectors")["moon-phase"] == "stranger.moon_phase"
    assert "moon-phase" not in registry.names("trainwatch.advice")


def test_a_path_that_is_no_folder_of_files_is_left_to_pythons_own_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path / "gone"))
    assert not registry._named_by_a_package("trainwatch.nothing")
    monkeypatch.setattr(sys, "path", [tmp_path / "no string", *sys.path])
    assert not registry._named_by_a_package("trainwatch.nothing")
    archive = tmp_path / "packed.zip"
    archive.write_bytes(b"PK")
    monkeypatch.syspath_prepend(str(archive))
    assert registry._named_by_a_package("trainwatch.nothing")


def test_without_such_packages_pythons_own_reader_is_not_loaded() -> None:
    code = "import sys; from trainwatch.registry import names; names('trainwatch.advice'); print('importlib.metadata' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(registry._named_by_a_package("trainwatch.advice"))
