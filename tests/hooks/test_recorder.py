from __future__ import annotations

import copy
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainwatch.runs import how_it_ended, read_run
from trainwatch_hooks import Recorder
from trainwatch_hooks.recorder import is_out_of_memory


def test_a_plain_loop(tmp_path: Path) -> None:
    with Recorder(tmp_path / "exp", planned_epochs=2, args={"lr": 0.1, "api_key": "abcdefgh12345678"}) as rec:
        for epoch in range(2):
            for batch in range(3):
                rec.begin_step()
                rec.step(
                    epoch=epoch, losses={"cls": 1.0, "box": 2.0}, grad_norm=5.0 + batch, lr=[0.1, 0.2], batch_size=4
                )
            rec.epoch_end(epoch, train={"cls": 1.0}, metrics={"acc": 0.5}, fitness=0.5)
    run = read_run(tmp_path / "exp")
    assert run.source == "trainwatch"
    assert run.steps["epoch"].tolist() == [0, 0, 0, 1, 1, 1]
    assert run.steps["batch"].tolist() == [0, 1, 2, 0, 1, 2]
    assert run.steps["loss"].tolist() == [3.0] * 6
    assert run.steps["lr/pg1"].tolist() == [0.2] * 6
    assert run.steps["grad_norm"].tolist() == [5.0, 6.0, 7.0] * 2
    assert (run.steps["rss_bytes"] > 1 << 20).all()
    assert run.epochs["metrics/acc"].tolist() == [0.5, 0.5]
    assert how_it_ended(run).kind == "completed"
    assert run.args == {"lr": 0.1, "api_key": "[redacted]"}
    assert run.meta["hardware"]["memory_limit_bytes"] > 0
    assert run.planned_epochs == 2


def test_a_family_written_into_the_name_is_not_doubled(tmp_path: Path) -> None:
    with Recorder(tmp_path / "exp") as rec:
        rec.step(epoch=0, loss=1.0)
        rec.epoch_end(0, metrics={"metrics/acc": 0.5}, val={"val/loss": 1.0, "loss/box": 2.0})
    epochs = read_run(tmp_path / "exp").epochs
    assert [c for c in epochs if "/" in c] == ["metrics/acc", "val/loss", "val/loss/box"]


def test_the_limits_in_force_are_recorded_where_memory_ran_out(tmp_path: Path) -> None:
    with pytest.raises(MemoryError), Recorder(tmp_path / "exp", report=False) as rec:
        rec.step(epoch=0, loss=1.0)
        raise MemoryError
    (event,) = read_run(tmp_path / "exp").events_of("oom")
    assert event["data"]["memory"]["machine_bytes"] > event["data"]["memory"]["rss_bytes"] > 0


def test_a_loop_that_records_steps_only_has_epochs_a_next_step_and_an_exit_code(tmp_path: Path) -> None:
    from trainwatch.analysis import analyse
    from trainwatch.commands._shared import exit_code

    with Recorder(tmp_path / "whole") as rec:
        for i in range(30):
            rec.step(epoch=i // 10, loss=1.0)
    assert read_run(tmp_path / "whole").epochs_done == 3
    with pytest.raises(ValueError, match="bad label"), Recorder(tmp_path / "cut", report=False) as rec:
        for i in range(25):
            rec.step(epoch=i // 10, loss=1.0)
        raise ValueError("bad label")
    result = analyse(read_run(tmp_path / "cut"))
    assert read_run(tmp_path / "cut").epochs_done == 2
    assert f"Mend {__file__}, line" in result.page.next_step
    assert exit_code(result, "critical") == 1
    events = tmp_path / "cut" / "trainwatch" / "events" / "rank0.jsonl"
    events.write_text("".join(f'{{"time_s": 1.0, "kind": "{k}", "data": null}}\n' for k in ("exception", "end")))
    assert analyse(read_run(tmp_path / "cut")).run.epochs == 2, "events without data are no internal error"


def test_tensors_are_taken_without_grad(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    value = torch.tensor(2.0, requires_grad=True)
    with Recorder(tmp_path) as rec:
        rec.step(losses={"a": value * 3, "b": value}, grad_norm=torch.tensor(math.nan))
    run = read_run(tmp_path)
    assert run.steps["loss"].tolist() == [8.0]
    assert math.isnan(run.step_series("grad_norm").values[0])


def test_an_earlier_epoch_is_a_new_attempt(tmp_path: Path) -> None:
    with Recorder(tmp_path) as rec:
        for epoch in (0, 1, 1, 0, 1):
            rec.step(epoch=epoch, loss=1.0)
    assert read_run(tmp_path).steps[["epoch", "attempt", "batch"]].to_numpy().tolist() == [
        [0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 1, 0], [1, 1, 0],
    ]  # fmt: skip


def test_a_second_training_in_the_folder_continues_the_record(tmp_path: Path) -> None:
    for epoch in (0, 1):
        with Recorder(tmp_path) as rec:
            rec.step(epoch=epoch, loss=1.0)
            rec.step(epoch=epoch, loss=1.0)
    run = read_run(tmp_path)
    assert run.steps["step"].tolist() == [0, 1, 2, 3]
    assert run.steps["attempt"].tolist() == [0, 0, 1, 1]
    assert len(run.events_of("start")) == 2


def test_an_exception_is_recorded_and_passes(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Recorder(tmp_path, report=False) as rec:
        rec.step(loss=1.0)
        1 / 0  # noqa: B018
    run = read_run(tmp_path)
    ending = how_it_ended(run)
    assert ending.kind == "exception"
    assert ending.event is not None
    assert "1 / 0" in ending.event["data"]["traceback"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB"), True),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried"),
            True,
        ),
        (MemoryError(), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_out_of_memory_is_told_from_other_errors(error: BaseException, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def test_interrupt_is_a_signal(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Recorder(tmp_path) as rec:
        rec.step(loss=1.0)
        raise KeyboardInterrupt
    assert how_it_ended(read_run(tmp_path)).kind == "signal"


class Broken:
    """A value that cannot be read."""

    def __float__(self) -> float:
        raise RuntimeError("broken value")


def test_own_errors_are_swallowed_said_once_and_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Recorder(tmp_path) as rec:
        for _ in range(3):
            rec.step(loss=Broken())
        rec.step(loss=1.0)
    assert capsys.readouterr().err.count("broken value") == 1
    run = read_run(tmp_path)
    assert run.steps["step"].tolist() == [0, 1, 2, 3], "what else is known of a step is recorded"
    assert run.step_series("loss").values.tolist() == [1.0]
    assert run.events_of("warning")[0]["data"]["errors"] == {"reading loss": 3}


@pytest.mark.parametrize("where", ["file in the way", "read-only"])
def test_nowhere_to_write_leaves_the_training_alone(
    tmp_path: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "exp"
    if where == "file in the way":
        target.write_text("not a folder")
    else:
        if os.geteuid() == 0:
            target = Path("/proc/trainwatch-cannot-be-made-here")
        else:
            target.mkdir(mode=0o555)
    with Recorder(target) as rec:
        for _ in range(3):
            rec.step(loss=1.0)
        rec.epoch_end(0, fitness=0.1)
    assert "the training goes on" in capsys.readouterr().err


def test_a_run_folder_that_vanishes_is_not_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    with Recorder(tmp_path / "exp", rows_per_segment=5, capture_crashes=False) as rec:
        for i in range(30):
            if i == 12:
                shutil.rmtree(tmp_path / "exp")
            rec.step(epoch=0, loss=1.0)
        rec.epoch_end(0, fitness=1.0)
    assert not (tmp_path / "exp").exists()
    assert capsys.readouterr().err.count("writing step rows") == 1, "said once"


def test_nothing_is_recorded_after_close(tmp_path: Path) -> None:
    rec = Recorder(tmp_path)
    rec.step(loss=1.0)
    rec.close()
    rec.step(loss=2.0)
    rec.event("warning", "late")
    rec.close()
    run = read_run(tmp_path)
    assert len(run.steps) == 1
    assert not run.events_of("warning")


SCRIPT = """
import sys
from trainwatch_hooks import Recorder
rec = Recorder(sys.argv[1], report=False)
rec.step(loss=1.0)
{ending}
"""


@pytest.mark.parametrize(
    ("ending", "kind", "code"),
    [
        ("raise ValueError('uncaught')", "exception", 1),
        ("import os, signal, time; os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", "signal", -15),
        ("import os; os.kill(os.getpid(), 9)", "killed", -9),
        ("import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()", "unknown", 0),
    ],
)
def test_ways_to_end_a_process(tmp_path: Path, ending: str, kind: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(ending=ending), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, "the process ends as it would have without us"
    run = read_run(tmp_path)
    assert len(run.steps) == 1
    assert how_it_ended(run).kind == kind
    if "ValueError" in ending:
        assert "ValueError: uncaught" in done.stderr, "the old hook still prints"


def test_previous_sigterm_handler_is_called(tmp_path: Path) -> None:
    script = (
        "import signal, os, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda n, f: (print('mine'), sys.exit(7)))\n"
        + SCRIPT.format(ending="os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)")
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (7, "mine")


def test_secrets_of_the_command_line_are_not_written(tmp_path: Path) -> None:
    script = SCRIPT.format(ending="raise RuntimeError('push to https://bob:hunter2hunter2@example.com failed')")
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), "--api-key", "hunter2hunter2"], capture_output=True, check=False
    )
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"example.com" in written
    assert b"hunter2" not in written


def test_the_step_path_reads_no_device_tensor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tensor that claims to be on CUDA must not be read; it waits until its event has passed."""
    from trainwatch_hooks.readback import Readback

    emitted: list[dict[str, Any]] = []
    readback = Readback(emitted.append, lambda row, names, error: pytest.fail(str(error)))
    arrived = [False]
    asked = [0]

    class Event:
        def query(self) -> bool:
            asked[0] += 1
            return arrived[0] or asked[0] > 5

        def synchronize(self) -> None:
            arrived[0] = True

    torch = pytest.importorskip("torch")
    readback._pending.append(({"step": 0}, ["loss"], torch.tensor([1.5]), Event()))
    readback.drain()
    assert emitted == []
    arrived[0] = True
    readback.drain()
    assert emitted == [{"step": 0, "loss": 1.5}]
    arrived[0], asked[0] = False, 0
    readback._pending.append(({"step": 1}, ["loss"], torch.tensor([2.5]), Event()))
    readback.drain(wait=True)
    assert emitted[-1] == {"step": 1, "loss": 2.5}


class Lost:
    """The event of a copy on a device that hangs, or has failed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def query(self) -> bool:
        if self.error is not None:
            raise self.error
        return False


@pytest.mark.parametrize("error", [None, RuntimeError("CUDA error: device-side assert triggered")])
def test_a_lost_device_neither_blocks_the_end_nor_takes_what_the_host_knows(
    error: Exception | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainwatch_hooks import readback

    monkeypatch.setattr(readback, "WAIT_S", 0.05)
    with Recorder(tmp_path, capture_crashes=False) as rec:
        rec.step(loss=1.0)
        for i in range(1, 4):
            row = {"step": float(i), "epoch": 0.0, "attempt": 0.0, "batch": float(i), "rank": 0.0, "lr/pg0": 0.1}
            rec._readback._pending.append((row, ["loss/a", "loss/b"], None, Lost(error)))
    run = read_run(tmp_path)
    assert run.steps["step"].tolist() == [0, 1, 2, 3]
    assert run.steps["lr/pg0"].tolist()[1:] == [0.1] * 3
    assert run.step_series("loss").values.tolist() == [1.0]
    assert run.events_of("warning")[0]["data"]["errors"] == {"reading loss/a and 1 more": 3}


def test_columns_of_the_recorders_own_are_not_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Recorder(tmp_path, capture_crashes=False) as rec:
        for _ in range(2):
            rec.step(loss=1.0, step=700, batch=9, rank=3, mine=5)
    steps = read_run(tmp_path).steps
    assert steps[["step", "batch", "rank", "mine"]].to_numpy().tolist() == [[0, 0, 0, 5], [1, 1, 0, 5]]
    assert capsys.readouterr().err.count("batch, rank, step") == 1, "said once"


@pytest.mark.parametrize("kind", ["numpy", "tensor", "text"])
def test_a_value_that_is_no_number_costs_its_column_only(kind: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    value = {"numpy": np.ones(3), "tensor": torch.ones(3), "text": "three"}[kind]
    with Recorder(tmp_path, capture_crashes=False) as rec:
        rec.step(losses={"a": value, "b": 2.0}, lr=0.1)
        rec.step(losses={"a": np.float32(1.0), "b": 2}, lr=torch.tensor(0.1), mine=True)
    run = read_run(tmp_path)
    assert run.steps["loss/b"].tolist() == [2.0, 2.0]
    assert run.step_series("loss/a").values.tolist() == [1.0]
    assert run.step_series("loss").values.tolist() == [3.0], "a part of a sum is no sum"
    assert run.steps["lr/pg0"].tolist() == pytest.approx([0.1, 0.1])


def test_epochs_of_numpy_and_parts_of_epochs_are_epochs(tmp_path: Path) -> None:
    with Recorder(tmp_path, capture_crashes=False) as rec:
        for epoch in np.arange(2):
            rec.step(epoch=epoch, loss=1.0)
            rec.step(epoch=epoch + 0.5, loss=1.0)
            rec.event("warning", "mine", at=np.float64(math.nan), of=np.int64(3))
            rec.epoch_end(epoch, fitness=0.5)
    run = read_run(tmp_path)
    assert run.steps[["epoch", "attempt", "batch"]].to_numpy().tolist() == [[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 0, 1]]
    assert run.epochs["epoch"].tolist() == [0, 1]
    assert [e["epoch"] for e in run.events_of("warning")] == [0, 1]
    assert run.events_of("warning")[0]["data"] == {"at": "nan", "of": 3}


def test_a_total_that_a_trainer_does_not_name_is_not_made_up(tmp_path: Path) -> None:
    with Recorder(tmp_path, capture_crashes=False) as rec:
        rec.record({}, {"loss/train_loss": 1.0, "loss/train_loss_step": 1.0})
    assert "loss" not in read_run(tmp_path).steps


def test_a_copy_records_nothing(tmp_path: Path) -> None:
    """Models and trainers that hold a recorder are copied for their averages, pickled into workers and checkpoints."""
    with Recorder(tmp_path, report=False) as rec:
        rec.step(loss=1.0)
        before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
        for copied in (copy.deepcopy(rec), pickle.loads(pickle.dumps(rec))):
            copied.begin_epoch(7)
            copied.begin_step()
            copied.step(epoch=7, loss=2.0)
            copied.epoch_end(7, fitness=1.0)
            copied.event("warning", "mine")
            copied.expect(["mine"])
            copied.update_meta(planned_epochs=9)
            copied.signalled("SIGTERM")
            copied.dump()
            copied.close()
            assert copied.rss_bytes() == 0
        assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert len(read_run(tmp_path).steps) == 1


class Mute(RuntimeError):
    def __str__(self) -> str:
        raise ValueError("no text")


def test_an_exception_without_a_text_passes_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(Mute), Recorder(tmp_path, report=False) as rec:
        raise Mute
    assert rec.closed
    assert how_it_ended(read_run(tmp_path)).kind == "exception"


@pytest.mark.parametrize("rank", ["", "first"])
def test_a_rank_that_is_no_number(rank: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", rank)
    with Recorder(tmp_path, capture_crashes=False) as rec:
        rec.step(loss=1.0)
    assert rec.rank == 0


def test_the_rank_of_a_process_group(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    script = (
        "import os, sys, torch.distributed as dist\nfrom trainwatch_hooks import Recorder\nos.environ.pop('RANK', None)\n"
        "dist.init_process_group('gloo', store=dist.HashStore(), rank=0, world_size=1)\ndist.get_rank = lambda: 3\n"
        "print(Recorder(sys.argv[1], capture_crashes=False).rank)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "3", done.stderr


@pytest.mark.cuda
def test_no_synchronisation_on_cuda(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    torch.cuda.set_sync_debug_mode("error")
    try:
        with Recorder(tmp_path) as rec:
            for i in range(20):
                rec.step(losses={"a": torch.full((), float(i), device="cuda")}, grad_norm=torch.ones((), device="cuda"))
            torch.cuda.set_sync_debug_mode("default")
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert read_run(tmp_path).steps["loss"].tolist() == [float(i) for i in range(20)]
