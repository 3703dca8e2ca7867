"""Real loops with Accelerate on a CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
accelerate = pytest.importorskip("accelerate", reason="Hugging Face Accelerate is not installed")

from trainwatch.runs import how_it_ended, read_run
from trainwatch_hooks.trainers.accelerate import record

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore")]


def loop(folder: Path | None, *, accumulation: int = 1, clip: bool = True, fail: bool = False, **settings: Any) -> Any:
    """Train a tiny net for two epochs of four micro-batches; without a folder unwatched. Return net and accelerator."""
    from contextlib import nullcontext

    torch.manual_seed(0)
    accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=accumulation)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    data = torch.utils.data.TensorDataset(torch.randn(32, 4), torch.randn(32, 1))
    model, optimizer, loader = accelerator.prepare(model, optimizer, torch.utils.data.DataLoader(data, batch_size=8))
    watched = (
        nullcontext() if folder is None else record(accelerator, folder, optimizer=optimizer, report=False, **settings)
    )
    with watched as rec:
        for epoch in range(2):
            for x, y in loader:
                with accelerator.accumulate(model):
                    loss = (model(x) - y).square().mean()
                    accelerator.backward(loss)
                    if accelerator.sync_gradients and clip:
                        accelerator.clip_grad_norm_(model.parameters(), 0.01)
                    optimizer.step()
                    optimizer.zero_grad()
                if fail and epoch == 1:
                    raise ValueError("on purpose")
                if rec is not None:
                    rec.step(epoch=epoch, loss=loss, batch_size=len(x))
    return accelerator.unwrap_model(model), accelerator


def test_what_is_recorded_and_the_weights_are_the_same(tmp_path: Path) -> None:
    bare, _ = loop(None)
    model, accelerator = loop(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(bare.parameters(), model.parameters(), strict=True))
    assert "clip_grad_norm_" not in vars(accelerator), "left as it was"
    run = read_run(tmp_path)
    steps = run.steps
    assert steps[["epoch", "batch"]].to_numpy().tolist() == [[e, b] for e in range(2) for b in range(4)]
    assert steps["loss"].notna().all()
    assert steps["grad_norm"].min() > 0.01, "before clipping"
    assert steps["lr/pg0"].tolist() == [0.1] * 8
    assert steps["optimizer_stepped"].all()
    assert run.step_series("update_ratio").step.tolist() == [0]
    assert run.meta["trainer"] == "accelerate"
    assert run.meta["loop"] == {"accumulate": 1, "world_size": 1, "precision": "no"}
    assert how_it_ended(run).kind == "completed"


def test_accumulation(tmp_path: Path) -> None:
    loop(tmp_path, accumulation=2, probes={"update_ratio": 1})
    run = read_run(tmp_path)
    assert run.steps["optimizer_stepped"].tolist() == [False, True] * 4
    assert run.step_series("grad_norm").step.tolist() == [1, 3, 5, 7]
    assert run.step_series("update_ratio").step.tolist() == [1, 3, 5, 7]
    assert set(run.steps["accumulate"]) == {2}


def test_a_loop_that_clips_nothing_has_no_norm(tmp_path: Path) -> None:
    loop(tmp_path, clip=False)
    assert not len(read_run(tmp_path).step_series("grad_norm"))


def test_probes_are_switched_and_what_is_given_counts(tmp_path: Path) -> None:
    loop(tmp_path, probes=["throughput"])
    assert not {"grad_norm", "lr/pg0", "update_ratio", "rss_bytes"} & set(read_run(tmp_path).steps)
    accelerator = accelerate.Accelerator(cpu=True)
    with record(accelerator, tmp_path / "own", report=False) as rec:
        rec.step(epoch=0, loss=1.0, grad_norm=7.0, lr=0.5)
    steps = read_run(tmp_path / "own").steps
    assert (steps["grad_norm"][0], steps["lr/pg0"][0]) == (7.0, 0.5)
    with pytest.raises(ValueError, match="there is no probe 'x'"):
        record(accelerator, tmp_path / "wrong", probes={"x"})
    assert "clip_grad_norm_" not in vars(accelerator)


def test_an_exception_is_recorded_and_passes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="on purpose"):
        loop(tmp_path, fail=True)
    run = read_run(tmp_path)
    assert how_it_ended(run).kind == "exception"
    assert len(run.steps) == 4


def two_ranks(folder: str) -> None:
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=True)  # a fork inherits that of the other tests
    loop(Path(folder))


def test_each_process_writes_the_rows_of_its_rank(tmp_path: Path) -> None:
    accelerate.debug_launcher(two_ranks, args=(str(tmp_path),), num_processes=2)
    run = read_run(tmp_path)
    assert list(run.ranks) == [0, 1]
    assert run.meta["loop"]["world_size"] == 2
    for rank in (0, 1):
        assert run.step_series("loss", rank).step.tolist() == [0, 1, 2, 3]


def test_what_is_no_accelerator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="not int"):
        record(3, tmp_path)
