"""Several ranks in one record: a series is one rank's, and steps are counted once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ranks import make_ranks
from synthetic import make_run

from trainwatch.analysis import analyse
from trainwatch.runs import read_run
from trainwatch_hooks import Recorder


def test_a_series_is_the_lowest_ranks_unless_another_is_asked_for() -> None:
    run = make_ranks([{"loss": np.arange(5.0)}, {"loss": np.arange(5.0) + 10}])
    assert run.ranks == (0, 1)
    assert run.step_series("loss").values.tolist() == [0, 1, 2, 3, 4]
    assert run.step_series("loss", 1).values.tolist() == [10, 11, 12, 13, 14]
    assert run.step_series("loss").step.tolist() == [0, 1, 2, 3, 4]
    assert len(run.step_series("absent", 1)) == 0
    assert run.step_rows == 5
    assert len(run.steps) == 10, "the table holds all"


def test_records_without_ranks_have_one() -> None:
    assert make_run({"loss": [1.0]}).ranks == (0,)
    assert make_run().ranks == (0,)
    assert make_run({"loss": [1.0], "rank": [3]}).step_series("loss").values.tolist() == [1.0]


def test_a_record_of_two_shards_is_read_and_analysed(tmp_path: Path) -> None:
    for rank in (0, 1):
        with Recorder(tmp_path, rank=rank, report=False) as recorder:
            for i in range(6):
                recorder.step(epoch=i // 3, losses={"box": float(i + 10 * rank)}, lr=0.01)
                if i % 3 == 2:
                    recorder.epoch_end(epoch=i // 3, fitness=0.5 if rank == 0 else None, train={"box": float(rank)})
    run = read_run(tmp_path)
    assert run.ranks == (0, 1)
    assert run.epoch_series("train/box").values.tolist() == [0.0, 0.0], "epochs are rank 0's"
    analysis = analyse(run)
    assert analysis.run.steps == 6
    assert ("Done", "2 epochs, 6 steps on each of 2 ranks") in analysis.page.facts


def test_integers_beyond_53_bits_are_rounded_and_no_error() -> None:
    assert make_run({"rss_bytes": [2**62 + 1]}).step_series("rss_bytes").values.tolist() == [2.0**62]
