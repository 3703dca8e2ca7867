from __future__ import annotations

from pathlib import Path

from synthetic import make_analysis, make_run

from trainwatch.notebook import block
from trainwatch.result import FRAME_COLUMNS
from trainwatch.runs import Run, read_run

HOSTILE = "</table><script>alert(1)</script>\"'&"
SAMPLES = Path(__file__).parents[1] / "sample_runs"


def test_everything_is_escaped() -> None:
    for html in (
        block(HOSTILE, [(HOSTILE, HOSTILE)], (HOSTILE,), [(HOSTILE,)]),
        make_analysis(HOSTILE)._repr_html_(),
        Run(HOSTILE, HOSTILE, steps=make_run({HOSTILE: [1.0]}).step_table, notes=[HOSTILE])._repr_html_(),
    ):
        assert "<script" not in html
        assert html.count("</table>") <= 2
        assert "&lt;script&gt;" in html


def test_a_run_shows_itself_and_gives_frames() -> None:
    run = read_run(SAMPLES / "killed")
    html = run._repr_html_()
    for part in ("killed", "12 of 60", "grad_norm", "metrics/mAP50-95(B)"):
        assert part in html
    frames = run.to_pandas()
    assert set(frames) == {"steps", "epochs", "events"}
    assert len(frames["steps"]) == run.step_rows
    assert len(frames["events"]) == len(run.events)
    assert make_run().to_pandas()["events"].empty


def test_an_analysis_shows_its_verdict_and_gives_findings() -> None:
    analysis = make_analysis()
    html = analysis._repr_html_()
    for part in ("Crashed: plain", "plateau (80 %)", "yolo train data=plain", "warning"):
        assert part in html
    frame = analysis.to_pandas()
    assert tuple(frame) == FRAME_COLUMNS
    assert frame.loc[0, "id"] == "plateau"
    assert frame.loc[0, "epoch"] == 3
    from dataclasses import replace

    assert tuple(replace(analysis, findings=()).to_pandas()) == FRAME_COLUMNS
