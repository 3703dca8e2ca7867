from __future__ import annotations

from pathlib import Path

import pytest

from trainwatch.cli import run
from trainwatch.commands.export import FORMATS
from trainwatch.registry import modules

SAMPLES = Path(__file__).parents[2] / "sample_runs"


def test_formats_are_the_files_of_the_folder() -> None:
    assert set(FORMATS) == set(modules("trainwatch.exporters"))


def test_csv_and_no_overwriting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["export", str(SAMPLES / "killed"), "--to", "csv", "-o", str(tmp_path / "out")]
    assert run(words) == 0
    assert {p.name for p in (tmp_path / "out").glob("*.csv")} == {"steps.csv", "epochs.csv", "events.csv"}
    assert run(words) == 2
    assert "--force" in capsys.readouterr().err
    assert run([*words, "--force"]) == 0


@pytest.mark.parametrize(
    "words", [[], ["--to", "csv"], ["-o", "x"], ["--to", "excel", "-o", "x"], ["--to", "csv", "-o", "/proc/nope/x"]]
)
def test_bad_input_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(SAMPLES / "killed"), *words]) == 2
    err = capsys.readouterr().err
    assert "internal error" not in err
    assert "Traceback" not in err
    assert run(["export", "/nowhere", "--to", "csv", "-o", "x"]) == 2
