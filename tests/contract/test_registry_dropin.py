"""A new file in the folder is a new check, with no other edit; the contract test holds it to its duties."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BARE = """
from dataclasses import dataclass
from typing import ClassVar
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding

@dataclass(frozen=True)
class MoonPhase(Detector):
    title: ClassVar[str] = "The moon is full"
    requires: ClassVar[tuple[str, ...]] = ("steps.loss",)
    def judge(self, view: View) -> list[Finding]:
        return []
"""
DOCUMENTATION = (
    '"""A moon.\n\n'
    + "\n\n".join(
        f"{s}:\n    x."
        for s in ("What it does", "Why it matters", "How it decides", "What to do", "Known false alarms", "References")
    )
    + '\n"""\n'
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("trainwatch", "hooks", "tests", "sample_runs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def call(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": f"{copy}{os.pathsep}{copy / 'hooks'}"}
    return subprocess.run([sys.executable, *words], cwd=copy, env=environ, capture_output=True, text=True, check=False)


def test_a_dropped_in_detector_is_listed_and_held_to_its_duties(copy: Path) -> None:
    contract = (
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "tests/contract/test_detectors.py",
        "-k",
        "moon-phase",
    )
    new = copy / "trainwatch" / "detectors" / "moon_phase.py"
    new.write_text(BARE)
    assert "moon-phase" in call(copy, "-m", "trainwatch", "checks").stdout
    assert "moon-phase" in call(copy, "-m", "trainwatch", "analyze", "sample_runs/killed", "--format", "json").stdout
    failed = call(copy, *contract)
    assert failed.returncode == 1
    assert "test_documented_in_fixed_sections[moon-phase]" in failed.stdout
    assert "test_has_a_test_of_its_own[moon-phase]" in failed.stdout
    new.write_text(DOCUMENTATION + BARE)
    (copy / "tests" / "detectors" / "test_moon_phase.py").write_text("def test_it() -> None: ...\n")
    passed = call(copy, *contract)
    assert passed.returncode == 0, passed.stdout


def test_two_files_with_one_id_are_an_error_naming_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    from trainwatch import registry
    from trainwatch.errors import TrainwatchError

    (tmp_path / "plugin_pkg").mkdir()
    (tmp_path / "plugin_pkg" / "__init__.py").write_text("")
    (tmp_path / "plugin_pkg" / "plateau.py").write_text(BARE)
    monkeypatch.syspath_prepend(tmp_path)
    entry = EntryPoint("plateau", "plugin_pkg.plateau", "trainwatch.detectors")
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    registry.modules.cache_clear()
    with pytest.raises(TrainwatchError, match=r"plateau\.py and .*plugin_pkg"):
        registry.modules("trainwatch.detectors")
    registry.modules.cache_clear()
