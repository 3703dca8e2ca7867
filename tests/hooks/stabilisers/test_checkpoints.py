from __future__ import annotations

import json
import os
import pickle
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ultralytics")

from trainers import Events, make_control, train_step

from trainwatch.runs import read_run
from trainwatch_hooks.stabilisers import _state, checkpoints
from trainwatch_hooks.stabilisers._engine import StabiliserHook, attach
from trainwatch_hooks.stabilisers._files import damage, read_manifest
from trainwatch_hooks.stabilisers._settings import parse
from trainwatch_hooks.stabilisers.base import Control


def begin(run: Path, **settings: Any) -> tuple[Control, checkpoints.Checkpoints]:
    control = make_control(run, epochs=settings.pop("epochs", 10))
    (made,) = parse({"checkpoints": settings})
    assert isinstance(made, checkpoints.Checkpoints)
    control.active = {"checkpoints": made}
    control.speaker = "checkpoints"
    made.setup(control)
    return control, made


def epoch(control: Control, made: checkpoints.Checkpoints, number: int, fitness: float | None = None) -> None:
    trainer = control.trainer
    trainer.epoch, control.batch = number, -1
    made.epoch_start(control)
    for _ in range(len(trainer.train_loader)):
        train_step(control)
        made.batch_end(control)
    trainer.fitness = fitness
    made.saved(control)


def files(control: Control) -> list[str]:
    return sorted(p.name for p in (control.folder / "checkpoints").iterdir())


def written(control: Control) -> list[str]:
    assert isinstance(control.session, Events)
    return [e["path"].rsplit("/", 1)[-1] for e in control.session.of("checkpoint")]


def load(control: Control, name: str) -> dict[str, Any]:
    return _state.load(control.folder / "checkpoints" / name)


def test_each_new_best_is_kept_and_the_newest_k_stay(tmp_path: Path) -> None:
    control, made = begin(tmp_path / "run", keep_best=2, every_epochs=100)
    for number, fitness in enumerate([0.0, 0.0, 0.2, 0.1, 0.3, None, float("nan"), 0.3, 0.4]):
        epoch(control, made, number, fitness)
    assert written(control) == ["best_0.pt", "best_2.pt", "best_4.pt", "best_8.pt"]
    assert files(control) == ["best_4.pt", "best_8.pt", "checkpoints.json"]
    assert load(control, "best_8.pt")["next_epoch"] == 9
    assert load(control, "best_8.pt")["fitness"] == 0.4


def test_latest_comes_every_n_epochs_and_at_the_end(tmp_path: Path) -> None:
    control, made = begin(tmp_path / "run", every_epochs=3, light=False)
    for number in range(5):
        control.trainer.stop = number == 4
        epoch(control, made, number)
    assert written(control) == ["latest.pt", "latest.pt"]
    assert files(control) == ["checkpoints.json", "latest.pt", "previous.pt"]
    assert (load(control, "latest.pt")["epoch"], load(control, "previous.pt")["epoch"]) == (4, 2)


def test_the_period_is_thirty_of_six_hundred_epochs(tmp_path: Path) -> None:
    control, made = begin(tmp_path / "run", epochs=40, light=False)
    for number in range(6):
        epoch(control, made, number)
    assert [e["next_epoch"] for e in control.session.of("checkpoint")] == [2, 4, 6]


def test_latest_comes_after_so_many_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    control, made = begin(tmp_path / "run", every_epochs=100, every_minutes=10, light=False)
    for number in range(4):
        now[0] += 350
        epoch(control, made, number)
    assert [e["next_epoch"] for e in control.session.of("checkpoint")] == [2, 4]


def test_a_long_epoch_is_saved_after_an_optimizer_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    control, made = begin(tmp_path / "run", every_epochs=100, every_minutes=10, light=False)
    epoch(control, made, 0)
    control.trainer.epoch, control.batch = 1, -1
    made.epoch_start(control)
    for stepped in (True, False, True):
        now[0] += 350
        train_step(control, step=stepped)
        made.batch_end(control)
    (event,) = control.session.of("checkpoint")
    assert "in epoch 2" in event["message"]
    state = load(control, "latest.pt")
    assert (state["epoch"], state["batch"], state["next_epoch"]) == (1, 2, 1), "the epoch is replayed"
    assert state["waiting"] == {"batches": 0, "gradients": {}}


def test_gradients_that_wait_are_kept(tmp_path: Path) -> None:
    control, made = begin(tmp_path / "run", every_epochs=1, light=False)
    control.trainer.epoch, control.batch = 0, -1
    made.epoch_start(control)
    train_step(control)
    train_step(control, step=False)
    train_step(control, step=False)
    made.saved(control)
    waiting = load(control, "latest.pt")["waiting"]
    assert waiting["batches"] == 2
    for name, parameter in control.model.named_parameters():
        assert torch.equal(waiting["gradients"][name], parameter.grad), name


def test_only_plain_types_whatever_a_stabiliser_keeps(tmp_path: Path) -> None:
    control, made = begin(tmp_path / "run", every_epochs=1)

    class Odd(checkpoints.Checkpoints):
        def state(self) -> dict[str, Any]:
            return {"path": Path("x"), "set": {1}, "tensor": torch.ones(2), "deep": [({"a": None},)]}

    class Broken(checkpoints.Checkpoints):
        def state(self) -> dict[str, Any]:
            raise RuntimeError("no")

    control.active |= {"odd": Odd(checkpoints.Settings()), "broken": Broken(checkpoints.Settings())}
    epoch(control, made, 0, 0.1)
    states = load(control, "latest.pt")["stabilisers"]["state"]
    assert states["odd"]["path"] == "x"
    assert states["odd"]["set"] == [1]
    assert torch.equal(states["odd"]["tensor"], torch.ones(2))
    assert states["broken"] == {}
    assert "broken" in control.session.of("warning")[0]["message"]


def test_spoiled_weights_never_replace_good_ones(tmp_path: Path) -> None:
    control, made = begin(tmp_path / "run", every_epochs=1, light=False)
    epoch(control, made, 0, 0.1)
    with torch.no_grad():
        control.model[0].weight[0, 0] = float("nan")
    epoch(control, made, 1, 0.2)
    assert files(control) == ["best_0.pt", "checkpoints.json", "latest.pt"]
    assert load(control, "latest.pt")["epoch"] == 0
    assert "not finite" in control.session.of("warning")[0]["message"]


def test_a_full_disk_leaves_no_half_file_and_the_training_goes_on(tmp_path: Path) -> None:
    control, made = begin(tmp_path / "run", every_epochs=1, light=False)
    epoch(control, made, 0, 0.1)
    before = {n: (control.folder / "checkpoints" / n).read_bytes() for n in files(control)}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, hard))
    try:
        epoch(control, made, 1, 0.2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    after = {n: (control.folder / "checkpoints" / n).read_bytes() for n in files(control)}
    assert after == before, "neither temporary files nor a changed one"
    assert "not written" in control.session.of("warning")[0]["message"]
    epoch(control, made, 2, 0.15)
    assert load(control, "latest.pt")["epoch"] == 2, "room again: it goes on"
    assert load(control, "best_2.pt")["fitness"] == 0.15, "better than the last best that was written"


def test_the_budget_takes_the_oldest_bests_first_and_never_the_last_good_file(tmp_path: Path) -> None:
    control, made = begin(tmp_path / "probe", every_epochs=100)
    epoch(control, made, 0, 0.1)
    size = (control.folder / "checkpoints" / "best_0.pt").stat().st_size
    control, made = begin(tmp_path / "run", keep_best=9, every_epochs=4, light=False, max_gib=4.6 * size / 2**30)
    for number in range(5):
        epoch(control, made, number, 0.1 * number + 0.1)
    assert files(control) == ["best_2.pt", "best_3.pt", "best_4.pt", "checkpoints.json", "latest.pt"]
    control, made = begin(tmp_path / "tight", every_epochs=1, light=False, max_gib=1.5 * size / 2**30)
    for number in range(3):
        epoch(control, made, number)
    assert files(control) == ["checkpoints.json", "latest.pt"]
    assert load(control, "latest.pt")["epoch"] == 2
    control, made = begin(tmp_path / "none", every_epochs=1, light=False, max_gib=0.5 * size / 2**30)
    epoch(control, made, 0)
    assert not (control.folder / "checkpoints" / "latest.pt").exists()
    assert "do not fit" in control.session.of("warning")[0]["message"]


def test_the_default_budget_is_a_quarter_of_the_free_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil
    from types import SimpleNamespace

    control, made = begin(tmp_path / "run", every_epochs=1, light=False)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=4000))
    epoch(control, made, 0)
    assert "0.0 MiB" in control.session.of("warning")[0]["message"]
    assert not (control.folder / "checkpoints" / "latest.pt").exists()


def test_a_run_folder_that_vanished_is_not_made_again(tmp_path: Path) -> None:
    import shutil

    control, made = begin(tmp_path / "run", every_epochs=1)
    shutil.rmtree(tmp_path / "run")
    epoch(control, made, 0, 0.1)
    assert "vanished" in control.session.of("warning")[0]["message"]
    assert not (tmp_path / "run").exists()


def test_other_ranks_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control, made = begin(tmp_path / "run", every_epochs=1)
    monkeypatch.setattr(Control, "main_process", property(lambda self: False))
    epoch(control, made, 0, 0.1)
    assert not (control.folder / "checkpoints").exists()


def test_exact_loader_begins_the_loader_anew_where_it_saves(tmp_path: Path) -> None:
    orders = {}
    for name, fitness in (("a", 0.1), ("b", 0.1), ("unsaved", None)):
        control, made = begin(tmp_path / name, every_epochs=100, exact_loader=True)
        loader = control.trainer.train_loader
        list(loader)
        if name == "b":
            list(loader)  # wherever it stood before
        epoch(control, made, 0, fitness)
        orders[name] = [batch[0].flatten().tolist() for batch in loader]
    assert orders["a"] == orders["b"] != orders["unsaved"]


def test_travels_to_distributed_workers(tmp_path: Path) -> None:
    from ultralytics import YOLO

    from trainwatch_hooks.trainers.ultralytics import record

    model = YOLO("yolo12n.yaml")
    hook = attach(model, record(model), parse({"checkpoints": {"keep_best": 5}}))
    hook.control, _ = begin(tmp_path / "run")
    there = pickle.loads(pickle.dumps(hook))
    assert isinstance(there, StabiliserHook)
    assert there.control is None
    assert there._prototypes[0].settings.keep_best == 5


@pytest.mark.training
def test_a_real_training_is_not_changed_and_everything_is_written(train: Callable[..., Any], tmp_path: Path) -> None:
    from ultralytics import YOLO

    from trainwatch_hooks import watch

    final: dict[str, Any] = {}

    def keep(trainer: Any) -> None:
        final[Path(trainer.save_dir).name] = {k: v.clone() for k, v in trainer.model.state_dict().items()}

    def stabilise(trainer: Any) -> None:
        watch(trainer, stabilise={"checkpoints": True}, report=False)

    train(watched=False, callbacks={"on_train_end": keep}, name="bare", epochs=3)
    trainer = train(
        watched=False,
        callbacks={"on_train_end": keep, "on_pretrain_routine_start": stabilise},
        name="saved",
        epochs=3,
    )
    assert len(final["bare"]) > 500
    for name, expected in final["bare"].items():
        assert torch.equal(expected, final["saved"][name]), name

    run = read_run(trainer.save_dir)
    folder = Path(trainer.save_dir) / "trainwatch" / "checkpoints"
    events = [e for e in run.events_of("checkpoint") if e["source"] == "stabiliser/checkpoints"]
    assert [e["data"]["path"] for e in events if "light" not in e["data"]["path"]].count(
        "trainwatch/checkpoints/latest.pt"
    ) == 3
    for event in events:
        assert event["data"]["bytes"] > 1e6
        assert event["data"]["seconds"] > 0
    state = torch.load(folder / "latest.pt", weights_only=True)
    assert all(torch.equal(state["model"][k], v) for k, v in final["saved"].items())
    assert state["ema"]["state"]["model.0.conv.weight"].dtype == torch.float32
    assert state["results_csv"] == (Path(trainer.save_dir) / "results.csv").read_text()
    assert state["rng"]["torch"].numel() > 1000
    assert state["loader"]["generator"].numel() > 1000
    assert state["loader"]["buffer"], "mosaic draws its images from there"
    entries = read_manifest(folder)
    assert set(entries) == {p.name for p in folder.glob("*.pt")}
    assert all(damage(folder / n, e) is None for n, e in entries.items())
    json.loads((folder / "checkpoints.json").read_text())
    light = YOLO(str(folder / "light.pt"))
    assert light.names == {0: "circle", 1: "square", 2: "triangle"} or len(light.names) == 3
    for name, value in light.model.state_dict().items():
        expected = state["ema"]["state"][name]
        assert torch.equal(value, expected.half().float() if expected.is_floating_point() else expected), name
    assert os.stat(folder / "light.pt").st_size < os.stat(folder / "latest.pt").st_size / 4
