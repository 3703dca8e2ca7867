from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trainwatch.cli import one_line, run
from trainwatch.commands._shared import analyse_path

SAMPLES = Path(__file__).parents[1] / "sample_runs"


def test_help_lists_the_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("analyze", "report", "explain", "checks"))


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from trainwatch.cli import run; run(['--help']); print([m for m in ('pandas','pyarrow','scipy','numpy','matplotlib','rich','torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def bad_inputs(folder: Path) -> dict[str, str]:
    (folder / "empty").mkdir()
    (folder / "empty_file.csv").write_bytes(b"")
    (folder / "binary.csv").write_bytes(bytes(range(256)) * 40)
    (folder / "unknown.txt").write_text("dear diary\n" * 10)
    (folder / "notours").mkdir()
    (folder / "notours" / "weights.pt").write_bytes(b"\x80\x02}q\x00.")
    (folder / "hollow" / "trainwatch" / "steps").mkdir(parents=True)
    (folder / "torn" / "trainwatch" / "steps").mkdir(parents=True)
    (folder / "torn" / "trainwatch" / "steps" / "rank0-000000.journal").write_bytes(b"TWJ1\x00\x00")
    (folder / "badparquet" / "trainwatch" / "steps").mkdir(parents=True)
    (folder / "badparquet" / "trainwatch" / "steps" / "rank0-000000.parquet").write_bytes(b"PAR1 no PAR1")
    (folder / "newer" / "trainwatch").mkdir(parents=True)
    (folder / "newer" / "trainwatch" / "run.json").write_text('{"schema": 99}')
    names = ("empty", "empty_file.csv", "binary.csv", "unknown.txt", "notours", "hollow", "torn", "badparquet", "newer")
    paths = {name: str(folder / name) for name in names}
    return paths | {
        "missing": str(folder / "nowhere"),
        "long name": str(folder / ("x" * 5000)),
        "control characters": str(folder / "a\x1b[31mb\nc"),
        "no path": "",
    }


def test_bad_input_gets_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, path in bad_inputs(tmp_path).items():
        sample, out = str(SAMPLES / "unwatched"), str(tmp_path / "out.pdf")
        for command, *more in (
            ("analyze",), ("report",), ("compare", sample), ("figure", "--panel", "loss", "-o", out), ("live", "--once"),
            ("export", "--to", "csv", "-o", out),
        ):  # fmt: skip
            before = sorted(p for p in tmp_path.rglob("*"))
            assert run([command, path, *more]) == 2, (name, command)
            captured = capsys.readouterr()
            assert captured.out == "", name
            assert captured.err.count("\n") == 1, (name, captured.err)
            assert captured.err.startswith("trainwatch: "), name
            assert "\x1b" not in captured.err, name
            assert "internal error" not in captured.err, (name, captured.err)
            assert before == sorted(p for p in tmp_path.rglob("*")), "nothing is written"


def test_usage_errors_are_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze"]) == 2
    assert run(["analyze", "x", "--format", "sarif"]) == 2
    assert run(["frobnicate"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_an_internal_error_is_one_line_and_debug_shows_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trainwatch.commands import _shared

    monkeypatch.setattr(_shared, "analyse_path", lambda *a, **k: 1 / 0)
    assert run(["analyze", "x"]) == 2
    assert capsys.readouterr().err.startswith("trainwatch: internal error (ZeroDivisionError")
    with pytest.raises(ZeroDivisionError):
        run(["--debug", "analyze", "x"])


def test_a_reader_that_goes_away_is_no_error() -> None:
    shell = f"set -o pipefail; {sys.executable} -m trainwatch explain plateau | head -1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "plateau\n", "")


def test_no_color_and_color(monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-m", "trainwatch"]
    path = str(SAMPLES / "killed")
    plain = subprocess.run([*command, "analyze", path], capture_output=True, text=True, check=False)
    assert "\x1b[" not in plain.stdout
    environ = {**os.environ, "NO_COLOR": "1"}
    forced = subprocess.run(
        [*command, "--color", "always", "analyze", path], capture_output=True, text=True, check=False, env=environ
    )
    assert "\x1b[" in forced.stdout, "a wish on the command line beats the environment"


def test_one_line() -> None:
    assert one_line("a\nb\x1b[31m\u202ec\x00") == "a b?[31m?c?"


def test_analyse_path_reads_any_known_format() -> None:
    assert analyse_path(str(SAMPLES / "unwatched")).run.source == "ultralytics-csv"
    assert analyse_path(str(SAMPLES / "killed")).run.source == "trainwatch"
    assert analyse_path(str(SAMPLES / "unwatched" / "results.csv")).run.source == "ultralytics-csv"


def test_a_mistyped_command_is_answered_with_the_one_that_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analize", "x"]) == 2
    assert capsys.readouterr().err == "trainwatch: there is no command 'analize'; did you mean `trainwatch analyze`?\n"
    assert run(["qwertz", "x"]) == 2
    assert "did you mean" not in capsys.readouterr().err
