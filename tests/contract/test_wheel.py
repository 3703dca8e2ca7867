"""What is in the wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling")
ROOT = Path(__file__).parents[2]


def test_contents(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("trainwatch", "hooks"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path / "dist")],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0] for n in names if ".dist-info" not in n} == {"trainwatch", "trainwatch_hooks"}
    expected = {
        "trainwatch/py.typed", "trainwatch_hooks/py.typed", "trainwatch/runs/run.py", "trainwatch/reports/templates/page.html.j2",
        "trainwatch/reports/templates/page.css", "trainwatch/reports/templates/page.js", "trainwatch/reports/templates/vendor/LICENSE-uPlot", "trainwatch_hooks/probes/grad_norm.py",
    }  # fmt: skip
    assert expected <= set(names)
    here = {str(p.relative_to(ROOT)) for p in (ROOT / "trainwatch").rglob("*.py")}
    assert here <= set(names), "nothing is left behind by an ignore rule"
    assert any(n.endswith("licenses/LICENSE") for n in names)
