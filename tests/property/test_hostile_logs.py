"""Every importer on damaged bytes of its own format: a run, or one clear line."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from random import Random

import pytest
from damage import SEEDS, damage, write_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflowdb import write
from tfevents import scalar, version
from wandblog import config, history, log

from trainwatch.analysis import analyse
from trainwatch.errors import TrainwatchError, UnreadableRun
from trainwatch.registry import modules
from trainwatch.reports import html, text
from trainwatch.reports import json as as_json
from trainwatch.runs import read_run


def database() -> bytes:
    """The bytes of an mlflow.db."""
    with tempfile.TemporaryDirectory() as folder:
        return write(
            Path(folder) / "mlflow.db", {"a": [("loss", 1.0, 0, False), ("val_loss", 1.0, 0, False)]}
        ).read_bytes()


VALID: dict[str, tuple[str, bytes]] = {
    "ultralytics-csv": ("results.csv", b"epoch,time,train/box_loss,metrics/mAP50-95(B),lr/pg0\n1,2.5,3,0.4,0.01\n2,5,2,0.5,0.01\n"),
    "yolov5-csv": ("results.csv", b"epoch,train/box_loss,metrics/mAP_0.5,metrics/mAP_0.5:0.95,x/lr0\n0,1,0.5,0.3,0.1\n1,1,0.5,0.3,0.1\n"),
    "yolov7-txt": ("results.txt", b" 0/4 7.2G 0.07 0.1 0.05 0.22 132 640 0.9 0.07 0.04 0.01 0.08 0.02 0.02\n"),
    "lightning-csv": ("metrics.csv", b"epoch,step,train_loss,val_loss\n0,48,,3.5\n0,48,4.0,\n"),
    "hf-trainer": ("trainer_state.json", json.dumps({"global_step": 2, "log_history": [{"loss": 1.0, "step": 1, "epoch": 0.5}, {"eval_loss": 2.0, "step": 2}]}).encode()),
    "keras-csv": ("log.csv", b"epoch,loss,val_loss\n0,1.0,2.0\n1,0.5,1.5\n"),
    "tensorboard": ("events.out.tfevents.1", version() + scalar(0, "train/loss", 1.0) + scalar(1, "train/loss", 0.5)),
    "wandb-offline": ("run-a.wandb", log(config(epochs=2), history(0, loss=1.0, epoch=0), history(1, loss=0.5, val_loss=2.0, epoch=1))),
    "mlflow-local": ("mlflow.db", database()),
    "generic": ("table.csv", b"iteration,loss,val_loss,lr\n0,1.0,,0.1\n1,0.5,1.5,0.1\n2,0.4,,0.1\n"),
}  # fmt: skip


def test_every_importer_of_foreign_logs_is_here() -> None:
    assert set(VALID) == set(modules("trainwatch.importers")) - {"trainwatch"}


@pytest.mark.parametrize("id", VALID)
def test_the_valid_bytes_are_valid(id: str, tmp_path: Path) -> None:
    name, data = VALID[id]
    (tmp_path / name).write_bytes(data)
    assert modules("trainwatch.importers")[id].sniff(tmp_path) > 0
    assert modules("trainwatch.importers")[id].load(tmp_path).source == id


@pytest.mark.parametrize("id", VALID)
@settings(max_examples=120, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_one_line_or_a_run(id: str, tmp_path: Path, data: st.DataObject) -> None:
    name, valid = VALID[id]
    damaged = bytearray(valid)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(damaged) - 1, 0)))
        how = data.draw(st.sampled_from(["cut", "replace", "insert", "repeat"]))
        piece = data.draw(
            st.one_of(
                st.binary(max_size=12),
                st.sampled_from([b"nan", b"inf", b"1e999", b'"', b",", b"\n", b"{", b"-1", b"9" * 30]),
            )
        )
        if how == "cut":
            damaged = damaged[:at]
        elif how == "replace":
            damaged[at : at + len(piece)] = piece
        elif how == "insert":
            damaged[at:at] = piece
        else:
            damaged[at:at] = damaged[at : at + 40] * 3
    (tmp_path / name).write_bytes(bytes(damaged))
    importer = modules("trainwatch.importers")[id]
    importer.sniff(tmp_path)
    refused, run = "", None
    try:
        run = importer.load(tmp_path)
    except TrainwatchError as error:
        refused = str(error)
    assert "\n" not in refused
    if run is not None:
        assert run.epochs_done >= 0
        assert len(run.steps) == run.step_table.num_rows


HALVES = [b'"\\ud800"', b'"a\\udfffb"', b'"\xed\xa0\x80"']


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("key", [True, False])
def test_half_a_surrogate_pair_in_json_can_be_written_or_is_refused(tmp_path: Path, half: bytes, key: bool) -> None:
    """Found by fuzzing: JSON knows strings that UTF-8 cannot write; pyarrow and every report broke over them."""
    entry = b"%s: 1.0" % half if key else b'"name": %s' % half
    logs = {
        "generic": ("log.jsonl", b'{"step": 1, "loss": 1.0}\n{"step": 2, "loss": 1.0, %s}\n' % entry),
        "hf-trainer": (
            "trainer_state.json",
            b'{"global_step": 2, %s, "log_history": [{"loss": 1.0, "step": 1}, {"step": 2, "eval_loss": 1.0, %s}]}'
            % (entry, entry.replace(b'"', b'"eval_', 1) if key else entry),
        ),
        "trainwatch": ("trainwatch/epochs/rank0.jsonl", b'{"epoch": 0, "train/loss": 1.0}\n{"epoch": 1, %s}\n' % entry),
        "wandb-offline": ("files/wandb-summary.json", b'{"loss": 1.0, "_step": 1, %s}' % entry),
    }
    for id, (name, data) in logs.items():
        folder = tmp_path / id
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(data)
        try:
            run = modules("trainwatch.importers")[id].load(folder)
        except UnreadableRun:
            continue
        result = analyse(run)
        assert result.checks.could_not_run == ()
        for page in (as_json.render(result, full=True), text.render(result, width=80), html.render(result)):
            page.encode("utf-8")


@pytest.mark.parametrize("id", SEEDS)
def test_damage_that_knows_the_format_is_one_line_or_a_run(id: str, tmp_path: Path) -> None:
    """A short campaign of ``tests/bench/fuzz_importers.py``."""
    chance = Random(id)
    importer = modules("trainwatch.importers")[id]
    seeds = [make() for make in SEEDS[id]]
    for files in seeds:
        write_files(tmp_path / "valid", files)
        assert read_run(tmp_path / "valid").source == id
    for _ in range(40):
        write_files(tmp_path / "run", damage(chance.choice(seeds), chance))
        importer.sniff(tmp_path / "run")
        refused = ""
        try:
            run = importer.load(tmp_path / "run")
            assert run.epochs_done >= 0
        except TrainwatchError as error:
            refused = str(error)
        assert "\n" not in refused


def test_the_same_seed_does_the_same_damage() -> None:
    files = SEEDS["lightning-csv"][0]()
    assert [damage(files, Random(3)) for _ in range(2)] == [damage(files, Random(3)) for _ in range(2)]
    assert damage(files, Random(3)) != files
