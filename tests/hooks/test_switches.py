"""Every probe can be switched off, and its columns are gone; a wrong name is one line that lists the names."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainwatch.analysis import analyse
from trainwatch.runs import read_run
from trainwatch_hooks import Recorder
from trainwatch_hooks.switches import ProbesError, Switches, known, parse

PROBES = Path(__file__).parents[2] / "hooks" / "trainwatch_hooks" / "probes"


def test_the_folder_is_the_registry() -> None:
    assert list(known()) == sorted(p.stem for p in PROBES.glob("*.py") if p.stem != "__init__")
    for name in known():
        assert (Path(__file__).parent / "probes" / f"test_{name}.py").is_file()


def test_what_may_be_written() -> None:
    assert all(parse(None).on(n) for n in known())
    switches = parse({"nonfinite": False, "update_ratio": 50, "vram": True})
    assert switches.off == {"nonfinite"}
    assert switches.every("update_ratio") == 50
    assert switches.every("vram") == known()["vram"]
    assert {n for n in known() if parse({"losses", "amp"}).on(n)} == {"losses", "amp"}
    assert not any(parse(()).on(n) for n in known())
    assert parse(switches) is switches
    assert pickle.loads(pickle.dumps(switches)) == switches


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"nonfinit": False}, "'nonfinit'"),
        (["gradnorm"], "'gradnorm'"),
        ([["a"]], "['a']"),
        ("losses", "'losses'"),
        (3, "not 3"),
        (True, "not True"),
        ({"losses": 5}, "losses reads each time"),
        ({"vram": 0}, "1 or more"),
        ({"vram": "often"}, "'often'"),
    ],
)
def test_a_wrong_one_is_one_line(wrong: Any, said: str) -> None:
    with pytest.raises(ProbesError) as caught:
        parse(wrong)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_lists_the_names_when_it_is_given(tmp_path: Path) -> None:
    pytest.importorskip("ultralytics")
    from ultralytics import YOLO

    from trainwatch_hooks import watch

    model = YOLO("yolo12n.yaml")
    before = {event: list(callbacks) for event, callbacks in model.callbacks.items()}
    with pytest.raises(ProbesError, match="augmentation, batch"):
        watch(model, probes={"vramm": False})
    assert model.callbacks == before, "nothing was hooked"
    with pytest.raises(ProbesError, match="augmentation, batch"):
        Recorder(tmp_path / "run", probes={"vramm"})
    assert not (tmp_path / "run").exists()


OF_THE_RECORDER = {
    "throughput": {"time_s", "data_s", "step_s"},
    "host_memory": {"rss_bytes"},
    "process_tree": {"tree_rss_bytes", "tree_pss_bytes", "host_free_bytes", "shm_free_bytes", "disk_free_bytes"},
}


@pytest.mark.parametrize("name", OF_THE_RECORDER)
def test_what_the_recorder_reads_itself(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainwatch_hooks import heartbeat

    monkeypatch.setattr(heartbeat, "SAMPLE_S", 0.0)

    def record(folder: Path, probes: Any) -> set[str]:
        with Recorder(folder, report=False, probes=probes, fsync_seconds=0.1) as rec:
            for step in range(6):
                rec.step(loss=1.0, lr=0.1, grad_norm=2.0, batch_size=4)
                if rec._heartbeat is not None:
                    rec._heartbeat._take_samples(rec, 1e9 + step)
        return set(read_run(folder).steps)

    every, without = record(tmp_path / "all", None), record(tmp_path / "less", {name: False})
    assert every & OF_THE_RECORDER[name]
    assert every - without == every & OF_THE_RECORDER[name], "and nothing else"
    run = read_run(tmp_path / "less")
    assert run.meta["probes_off"] == [name]
    assert analyse(run).checks.could_not_run == ()


OF_A_TRAINING: dict[str, tuple[str, ...]] = {
    "amp": ("amp_",),
    "augmentation": ("epochs.augment/",),
    "batch": ("batch_size", "instances", "image_size"),
    "ema": ("epochs.ema/",),
    "gpu": ("gpu_",),
    "grad_norm": ("grad_norm",),
    "host_memory": ("rss_bytes",),
    "learning_rate": ("lr/", "momentum"),
    "losses": ("loss", "gain/", "epochs.gain/"),
    "process_tree": ("tree_", "host_free", "shm_free", "disk_free"),
    "throughput": ("time_s", "data_s", "step_s"),
    "update_ratio": ("update_ratio",),
    "vram": ("vram_",),
}
"""Columns of each probe, by how they begin."""

OTHERS = ("step", "epoch", "attempt", "rank", "accumulate", "optimizer_stepped")


@pytest.fixture
def injected(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stand in for the device that is not here, and give the trainer a gradient scaler, a real one."""
    import torch

    from trainwatch_hooks.probes import gpu, vram

    monkeypatch.setattr(vram, "read", lambda device: {"vram_free_bytes": 1.0})
    monkeypatch.setattr(gpu, "of_device", lambda device: lambda: dict.fromkeys(gpu.COLUMNS, 1.0))

    def give_scaler(trainer: Any) -> None:
        trainer.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)

    return {"on_train_start": give_scaler}


@pytest.mark.training
def test_each_probe_of_a_training(train: Callable[..., Any], injected: dict[str, Any]) -> None:
    """Every second probe is off in one training, the others in another: each is seen to come and to go."""
    given: dict[str, Any] = {"epochs": 1, "val": False, "callbacks": injected}

    def columns(run: Any) -> set[str]:
        return {*run.steps, *(f"epochs.{c}" for c in run.epochs)}

    whole = read_run(train(name="all", **given).save_dir)
    every = columns(whole)
    own = {n: {c for c in every if c != "batch" and c.startswith(p)} for n, p in OF_A_TRAINING.items()}
    for half in (list(own)[::2], list(own)[1::2]):
        run = read_run(train(name=half[0], probes=dict.fromkeys(half, False), **given).save_dir)
        for name in half:
            assert own[name], name
            assert not own[name] & columns(run), name
        assert every - columns(run) == set().union(*(own[n] for n in half)), "and nothing else"
        assert len(run.steps) == len(whole.steps)


@pytest.mark.training
@pytest.mark.parametrize("on", [True, False])
def test_without_the_trace_no_event_tells_of_a_number_that_is_none(on: bool, train: Callable[..., Any]) -> None:
    def plant(trainer: Any) -> None:
        trainer.args.box = float("nan")

    run = read_run(
        train(callbacks={"on_train_epoch_start": plant}, epochs=1, val=False, probes={"nonfinite": on}).save_dir
    )
    traced = [e for e in run.events_of("nonfinite") if "at_step" in e["data"]]
    assert bool(traced) is on, "that of the averaged weights is another probe's"


@pytest.mark.training
def test_nothing_but_the_keys(train: Callable[..., Any]) -> None:
    run = read_run(train(probes=(), epochs=1).save_dir)
    assert set(run.steps) == {*OTHERS, "batch"}
    assert not [c for c in run.epochs if c.startswith(("augment/", "gain/", "ema/"))]
    assert analyse(run).checks.could_not_run == ()


@pytest.mark.training
def test_a_period_is_kept(train: Callable[..., Any]) -> None:
    run = read_run(train(probes={"update_ratio": 3}).save_dir)
    assert run.step_series("update_ratio").step.tolist() == [0, 3]


def test_a_switch_says_what_is_off() -> None:
    assert Switches(frozenset({"amp"})).on("amp") is False
