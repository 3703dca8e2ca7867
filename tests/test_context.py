from __future__ import annotations

import pytest
from synthetic import make_finding, make_run

from trainwatch.context import OWN, build_context, good_checkpoint, model_scale, own_checkpoint


@pytest.mark.parametrize(
    ("model", "scale"),
    [
        ("yolo12n.yaml", "n"), ("yolo11x-seg.pt", "x"), ("/a/b/yolov8s.pt", "s"), ("C:\\w\\yolov10b.pt", "b"),
        ("yolo12.yaml", None), ("best.pt", None), ("mynet.yaml", None), ("yolov12n-facepose.yaml", "n"), ("", None),
    ],
)  # fmt: skip
def test_scale_out_of_the_name(model: str, scale: str | None) -> None:
    assert model_scale(model) == scale


def checkpoints(*best: int, last: int) -> list[dict]:
    return [{"kind": "checkpoint", "epoch": e, "data": {"best": e in best}} for e in range(last + 1)]


def test_without_a_fault_the_last_one_is_good() -> None:
    assert good_checkpoint(make_run(events=checkpoints(2, last=5)), []) == "weights/last.pt"
    assert good_checkpoint(make_run(), []) is None


def test_after_an_explosion_only_what_was_written_before_it() -> None:
    fault = [make_finding("loss-explosion", "critical", epoch=4)]
    assert good_checkpoint(make_run(events=checkpoints(0, 2, last=9)), fault) == "weights/best.pt"
    assert good_checkpoint(make_run(events=checkpoints(0, 2, 6, last=9)), fault) is None, "best.pt was overwritten"
    kept = make_run(events=checkpoints(0, 6, last=9), args={"save_period": 3})
    assert good_checkpoint(kept, fault) == "weights/epoch3.pt"
    assert good_checkpoint(make_run(events=checkpoints(last=3)), fault) == "weights/last.pt"


def test_a_plateau_spoils_no_weights() -> None:
    assert (
        good_checkpoint(make_run(events=checkpoints(last=9)), [make_finding("plateau", "critical", epoch=4)])
        == "weights/last.pt"
    )


def test_context_of_a_recording() -> None:
    run = make_run(
        {"accumulate": [1, 2, 4]}, {"fitness": [0.1, 0.3, 0.2]}, trainer="ultralytics", planned_epochs=9,
        args={"model": "yolo12s.yaml"}, requested={"lr0": 1}, dataset={"has_polygons": False}, hardware={"memory_limit_bytes": 7},
    )  # fmt: skip
    context = build_context(run, [])
    assert (context.accumulate, context.best_epoch, context.epochs_done, context.planned_epochs) == (4, 1, 3, 9)
    assert (context.model_scale, context.labels_have_polygons, context.memory_limit_bytes) == ("s", False, 7)
    assert context.requested == {"lr0": 1}


def test_versions_cores_ranks_and_images() -> None:
    from synthetic import make_run

    run = make_run(
        versions={"ultralytics": "8.4.190"},
        hardware={"cpu_count": 8},
        loop={"world_size": 2},
        dataset={"train_images": 64},
    )
    context = build_context(run, [])
    assert context.versions == {"ultralytics": "8.4.190"}
    assert (context.cpu_count, context.world_size, context.train_images) == (8, 2, 64)
    odd = build_context(make_run(hardware={"cpu_count": "many"}, versions=3, dataset={"train_images": True}), [])
    assert (odd.cpu_count, odd.world_size, odd.train_images, dict(odd.versions)) == (None, 1, None, {})


def ours(epoch: int, name: str = "latest.pt", next_epoch: int | None = 0) -> dict:
    data = {"path": f"trainwatch/checkpoints/{name}", "next_epoch": next_epoch, "best": True}
    return {"kind": "checkpoint", "source": OWN, "epoch": epoch, "data": data}


def test_our_own_checkpoints_are_told_from_ultralytics() -> None:
    events = [*checkpoints(0, last=5), ours(3, "best_3.pt"), ours(6), ours(6, "light.pt", None)]
    run = make_run(events=events)
    assert own_checkpoint(run, []) == "trainwatch/checkpoints/latest.pt"
    assert good_checkpoint(run, []) == "weights/last.pt"
    fault = [make_finding("loss-explosion", "critical", epoch=4)]
    assert own_checkpoint(run, fault) == "trainwatch/checkpoints/best_3.pt"
    assert good_checkpoint(run, fault) == "weights/best.pt", "ours say nothing about Ultralytics' files"
    assert own_checkpoint(make_run(events=checkpoints(last=5)), []) is None
    assert build_context(run, []).own_checkpoint == "trainwatch/checkpoints/latest.pt"
