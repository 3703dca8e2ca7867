from __future__ import annotations

from pathlib import Path

import pytest

from trainwatch.cli import run

SAMPLES = Path(__file__).parents[2] / "sample_runs"
RUN = str(SAMPLES / "killed")


@pytest.mark.parametrize(("name", "head"), [("f.pdf", b"%PDF"), ("f.svg", b"<?xml"), ("f.PNG", b"\x89PNG")])
def test_the_ending_says_how(name: str, head: bytes, tmp_path: Path) -> None:
    target = tmp_path / name
    assert run(["figure", RUN, "--panel", "loss", "-o", str(target)]) == 0
    assert target.read_bytes().startswith(head)


def test_it_does_not_overwrite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "f.svg"
    target.write_text("mine")
    assert run(["figure", RUN, "--panel", "loss", "-o", str(target)]) == 2
    assert target.read_text() == "mine"
    assert run(["figure", RUN, "--panel", "loss", "-o", str(target), "--force"]) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["f.svg"]


def test_panels_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["figure", RUN, "--panel", "help"]) == 0
    assert "grad_norm" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [["--panel", "loss"], ["--panel", "loss", "-o", "x.doc"], ["--panel", "moon", "-o", "x.pdf"],
     ["--panel", "loss", "-o", "x.pdf", "--size", "big"], ["--panel", "loss", "-o", "/proc/nope/x.pdf"], ["-o", "x.pdf"]],
)  # fmt: skip
def test_bad_input_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["figure", RUN, *words]) == 2
    err = capsys.readouterr().err
    assert "internal error" not in err
    assert "Traceback" not in err
