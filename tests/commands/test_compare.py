from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainwatch.cli import run
from trainwatch.commands.compare import split_side

SAMPLES = Path(__file__).parents[2] / "sample_runs"
BEFORE, AFTER = str(SAMPLES / "gradient_explosion"), str(SAMPLES / "gradient_explosion_cured")


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", BEFORE, AFTER]) == 0
    out = capsys.readouterr().out
    assert out.startswith("● The change helped")
    for part in ("- lr0=1\n", "+ lr0=0.0025\n", "gone", "95 % interval", "▁"):
        assert part in out, part


def test_json_and_html(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", BEFORE, f"{AFTER},{AFTER}_again", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["pairs"][0]["answer"] == "helped"
    assert len(document["sides"][1]["paths"]) == 2
    assert "panels" not in document
    page = tmp_path / "c.html"
    assert run(["compare", BEFORE, AFTER, "--format", "html", "-o", str(page)]) == 0
    assert page.read_text().startswith("<!doctype html>")
    assert run(["compare", BEFORE, AFTER, "-o", str(page)]) == 2, "it is not overwritten"


def test_the_ending_of_the_output_file_is_its_format(tmp_path: Path) -> None:
    page, text = tmp_path / "c.html", tmp_path / "c.md"
    assert run(["compare", BEFORE, AFTER, "--lang", "zh", "-o", str(page)]) == 0
    assert page.read_text().startswith("<!doctype html>")
    assert run(["compare", BEFORE, AFTER, "-o", str(text)]) == 0
    assert text.read_text().startswith("● The change helped"), "it writes no Markdown"


@pytest.mark.parametrize(
    "words",
    [["compare"], ["compare", BEFORE], ["compare", BEFORE, "/nowhere"], ["compare", BEFORE, f"{AFTER},"],
     ["compare", BEFORE, str(SAMPLES / "unwatched"), "--by", "step"], ["compare", BEFORE, AFTER, "--by", "moon"],
     ["compare", BEFORE, "x" * 5000]],
)  # fmt: skip
def test_bad_input_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "internal error" not in err


def test_a_path_with_a_comma_is_one_run(tmp_path: Path) -> None:
    (tmp_path / "a,b").mkdir()
    assert split_side(str(tmp_path / "a,b")) == [str(tmp_path / "a,b")]
    assert split_side("a,b") == ["a", "b"]
