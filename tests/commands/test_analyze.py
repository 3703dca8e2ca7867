from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from trainwatch.cli import run
from trainwatch.runs import read_run
from trainwatch_hooks import Recorder

SAMPLES = Path(__file__).parents[2] / "sample_runs"


@pytest.mark.parametrize(
    ("sample", "fail_on", "code"),
    [
        ("killed", "critical", 1), ("killed", "never", 0), ("plateau", "critical", 0), ("plateau", "warning", 1),
        ("healthy", "warning", 0),
    ],
)  # fmt: skip
def test_exit_codes(sample: str, fail_on: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", str(SAMPLES / sample), "--fail-on", fail_on]) == code
    assert capsys.readouterr().err == ""


def test_json_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    run(["analyze", str(SAMPLES / "killed"), "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"]["cause"] == "killed"
    assert "page" not in document
    run(["analyze", str(SAMPLES / "killed"), "--format", "json", "--full"])
    assert "page" in json.loads(capsys.readouterr().out)


def test_html(capsys: pytest.CaptureFixture[str]) -> None:
    run(["analyze", str(SAMPLES / "killed"), "--format", "html"])
    assert capsys.readouterr().out.startswith("<!doctype html>")


def test_output_is_not_overwritten_without_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "a.json"
    arguments = ["analyze", str(SAMPLES / "unwatched"), "--format", "json", "-o", str(target)]
    assert run(arguments) == 0
    first = target.read_text()
    target.write_text("mine")
    assert run(arguments) == 2
    assert "--force" in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert run([*arguments, "--force"]) == 0
    assert target.read_text() == first
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"], "no temporary file is left"


def test_where_it_cannot_write_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", str(SAMPLES / "unwatched"), "-o", "/proc/nope/x.txt"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_strict_passes_on_a_sound_run() -> None:
    assert run(["analyze", str(SAMPLES / "healthy"), "--strict"]) == 0


def test_markdown_and_github(capsys: pytest.CaptureFixture[str]) -> None:
    run(["analyze", str(SAMPLES / "killed"), "--format", "markdown"])
    assert capsys.readouterr().out.startswith("## ▲ Crashed")
    assert run(["analyze", str(SAMPLES / "killed"), "--format", "github"]) == 1
    assert capsys.readouterr().out.startswith("::error title=trainwatch%3A Crashed")


def test_a_damaged_record_says_where_and_how_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = tmp_path / "exp"
    shutil.copytree(SAMPLES / "healthy", record)
    for folder in ("steps", "epochs"):
        for file in (record / "trainwatch" / folder).iterdir():
            if file.suffix == ".parquet":
                file.write_bytes(b"no table")
            else:
                file.unlink()
    (record / "results.csv").unlink()
    assert run(["analyze", str(record)]) == 2
    said = capsys.readouterr().err
    assert "the record is damaged" in said
    assert "copy it anew" in said
    assert said.count("\n") == 1
    assert run(["compare", str(SAMPLES / "healthy"), str(record)]) == 2
    assert "the record is damaged" in capsys.readouterr().err
    assert "could not be read" in read_run(record).damage[0], "who follows a running training reads it all the same"


def test_a_file_beside_the_rows_that_cannot_be_read_is_no_damage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What ended it before the first step is in the events; the arguments are not."""
    with pytest.raises(RuntimeError), Recorder(tmp_path):
        raise RuntimeError("no data")
    (tmp_path / "trainwatch" / "run.json").write_text("{")
    assert run(["analyze", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "RuntimeError: no data" in said.out
    assert "run.json could not be read" in said.out


def test_an_empty_file_and_a_map_for_a_record_are_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log.csv").write_bytes(b"")
    assert run(["analyze", str(tmp_path / "log.csv")]) == 2
    assert "the file is empty" in capsys.readouterr().err
    assert run(["analyze", str(SAMPLES / "killed"), "--map", "step=iter,loss=a"]) == 2
    assert "leave --map out" in capsys.readouterr().err


def test_the_ending_of_the_output_file_is_its_format(tmp_path: Path) -> None:
    for name, begins in (("a.html", "<!doctype html>"), ("a.json", "{"), ("a.txt", "●")):
        assert run(["analyze", str(SAMPLES / "unwatched"), "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_text().startswith(begins)
