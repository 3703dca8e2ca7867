"""precision: what enters the criterion, what comes out, and that nothing changes without AMP."""

from __future__ import annotations

import gc
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ultralytics")

from ultralytics.cfg import get_cfg
from ultralytics.nn import tasks
from ultralytics.utils import loss as losses
from ultralytics.utils.loss import E2ELoss, v8DetectionLoss

from trainwatch_hooks.stabilisers import precision
from trainwatch_hooks.stabilisers.base import Control
from trainwatch_hooks.stabilisers.precision import Precision, Settings, advice, criteria, in_float32, single, trouble

STOCK = {k: v.__call__ for k, v in vars(losses).items() if isinstance(v, type)}


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    gc.collect()
    yield
    assert {k: v.__call__ for k, v in vars(losses).items() if isinstance(v, type)} == STOCK


class Record:
    def __init__(self) -> None:
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        self.recorder = self

    def event(self, kind: str, message: str, **data: Any) -> None:
        self.events.append((kind, message, data))


def control(model: Any, *, amp: bool = True, asked: Any = True, device: str = "cpu") -> Control:
    trainer = SimpleNamespace(
        model=model, device=torch.device(device), amp=amp, args=SimpleNamespace(amp=asked, task="detect")
    )
    return Control(trainer, Record(), Path())


def detector(name: str = "yolo12n.yaml", kind: str = "DetectionModel") -> Any:
    torch.manual_seed(0)
    model = getattr(tasks, kind)(name, nc=3, verbose=False)
    model.args = get_cfg()
    return model.train()


def batch(pixels: int = 64, images: int = 2) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    count = images * 2
    return {
        "img": torch.rand(images, 3, pixels, pixels, generator=generator),
        "batch_idx": torch.arange(images).repeat_interleave(2).float(),
        "cls": torch.randint(0, 3, (count, 1), generator=generator).float(),
        "bboxes": torch.tensor([[0.4, 0.4, 0.5, 0.5], [0.6, 0.6, 0.4, 0.3]]).repeat(images, 1),
    }


def test_casts_nested_structures_and_nothing_else() -> None:
    pair = namedtuple("pair", "a b")
    half, whole, number = torch.ones(2, dtype=torch.float16), torch.ones(2), torch.ones(2, dtype=torch.int64)
    found = single({"a": half, "b": [half, (whole, number)], "c": pair(half.bfloat16(), "text"), "d": None})
    assert found["a"].dtype == found["b"][0].dtype == found["c"].a.dtype == torch.float32
    assert found["b"][1][0] is whole
    assert found["b"][1][1] is number
    assert isinstance(found["b"][1], tuple)
    assert isinstance(found["c"], pair)
    unchanged = {"a": whole, "b": [number, (whole,)], "c": pair(whole, 1), "size": whole.shape}
    assert single(unchanged) is unchanged


def test_fp16_boxes_lie_on_a_raster_and_float32_ones_do_not() -> None:
    """What the module's text says about stride 8, by Ultralytics' own decoding."""
    criterion = v8DetectionLoss(detector())
    generator = torch.Generator().manual_seed(0)
    dist = torch.randn(1, 256, 64, generator=generator).half()
    for first, step in ((64, 1 / 16), (128, 1 / 8)):
        x = first + 18 + torch.arange(256).div(8, rounding_mode="floor") + 0.5  # far enough that no edge falls below
        anchors = torch.stack([x, x], 1)
        exact = criterion.bbox_decode(anchors.double(), dist.double())
        stock = criterion.bbox_decode(anchors.half(), dist)
        ours = criterion.bbox_decode(anchors, single(dist))
        assert torch.equal(stock.double() % step, torch.zeros_like(exact)), "multiples of the step"
        error, error_ours = (8 * (b.double() - exact).abs() for b in (stock, ours))  # pixels at stride 8
        assert 0.9 * 8 * step / 2 < error.max() < 1.1 * 8 * step
        assert error_ours.max() < 1e-3
        assert error.mean() > 1000 * error_ours.mean()


def test_the_loss_of_half_precision_predictions_is_nearer_to_the_exact_one() -> None:
    criterion = v8DetectionLoss(detector())
    wrapped = in_float32(v8DetectionLoss.__call__)
    grids, generator = (136, 68, 34), torch.Generator().manual_seed(0)  # an image of 1088 pixels
    cells = sum(g * g for g in grids)
    data = batch(1088, 1)
    data["bboxes"] = torch.tensor([[0.95, 0.95, 0.03, 0.03], [0.9, 0.6, 0.02, 0.05]])

    def preds(dtype: Any) -> dict[str, Any]:
        generator.manual_seed(1)
        half = {
            "boxes": torch.randn(1, 64, cells, generator=generator).half(),
            "scores": torch.randn(1, 3, cells, generator=generator).half(),
        }
        return {k: v.to(dtype) for k, v in half.items()} | {
            "feats": [torch.zeros(1, 8, g, g, dtype=dtype) for g in grids]
        }

    exact = criterion(preds(torch.float64), data)[1]["box_loss"]
    stock = criterion(preds(torch.float16), data)[1]["box_loss"]
    total, items = wrapped(criterion, preds(torch.float16), data)
    assert total.dtype == torch.float32
    assert abs(items["box_loss"] - exact) < 1e-4 * exact
    assert abs(stock - exact) > 10 * abs(items["box_loss"] - exact)


def test_under_autocast_the_criterion_sees_float32_and_gradients_flow() -> None:
    model, where, seen = detector(), None, []
    get = v8DetectionLoss.get_assigned_targets_and_loss

    def spy(self: Any, preds: Any, data: Any, **more: Any) -> Any:
        seen.append(
            ({v.dtype for v in (preds["boxes"], preds["scores"], *preds["feats"])}, torch.is_autocast_enabled("cpu"))
        )
        return get(self, preds, data, **more)

    def step(ours: bool) -> tuple[Any, Any]:
        nonlocal where
        stabiliser, where = Precision(Settings()), control(model)
        if ours:
            stabiliser.setup(where)
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            preds = model(data["img"])
            loss, items = model.loss(data, preds)
            kept = {k: v.detach() if torch.is_tensor(v) else [t.detach() for t in v] for k, v in preds.items()}
        loss.sum().backward()
        stabiliser.teardown(where)
        return kept, items

    data = batch(96)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(v8DetectionLoss, "get_assigned_targets_and_loss", spy)
        _, stock = step(ours=False)
        preds, items = step(ours=True)
    assert torch.bfloat16 in seen[0][0]
    assert seen[0][1], "stock runs inside autocast"
    assert seen[1] == ({torch.float32}, False)
    gradients = [p.grad for p in model.parameters() if p.requires_grad]
    assert all(g is not None and torch.isfinite(g).all() for g in gradients)
    assert sum(float(g.abs().sum()) for g in gradients) > 0
    exact = v8DetectionLoss(model)(
        {k: v.double() if torch.is_tensor(v) else [t.double() for t in v] for k, v in preds.items()}, data
    )[1]
    far = {k: float(abs(stock[k] - exact[k]) / exact[k]) for k in exact}
    near = {k: float(abs(items[k] - exact[k]) / exact[k]) for k in exact}
    assert max(near.values()) < 1e-5
    assert far["box_loss"] > 10 * near["box_loss"]


CRITERIA = [
    ("yolo12n.yaml", "DetectionModel", "v8DetectionLoss"),
    ("yolo26n.yaml", "DetectionModel", "E2ELoss"),
    ("yolov10n.yaml", "DetectionModel", "E2ELoss"),
    ("yolo11n-seg.yaml", "SegmentationModel", "v8SegmentationLoss"),
    ("yolo11n-pose.yaml", "PoseModel", "v8PoseLoss"),
    ("yolo11n-obb.yaml", "OBBModel", "v8OBBLoss"),
    ("yolo11n-cls.yaml", "ClassificationModel", "v8ClassificationLoss"),
]


@pytest.mark.parametrize(("name", "kind", "criterion"), CRITERIA)
def test_every_task_has_its_criterion_wrapped(name: str, kind: str, criterion: str) -> None:
    model = detector(name, kind)
    state = torch.random.get_rng_state()
    stabiliser, where = Precision(Settings()), control(model)
    stabiliser.setup(where)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert where.session.events[-1][2]["criteria"] == [criterion]
    seen: list[Any] = []

    class Stop(Exception):
        pass

    def stop(self: Any, preds: Any, *rest: Any) -> Any:
        seen.append((preds, torch.is_autocast_enabled("cpu")))
        raise Stop

    wrapped = getattr(losses, criterion).__call__
    assert hasattr(wrapped, "__wrapped__")
    with pytest.raises(Stop), torch.autocast("cpu", torch.bfloat16):
        in_float32(stop)(None, model(torch.rand(2, 3, 64, 64)), {})
    ((preds, autocast),) = seen
    assert not autocast

    def dtypes(value: Any) -> set[Any]:
        if torch.is_tensor(value):
            return {value.dtype}
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
        return set().union(*map(dtypes, inside))

    assert dtypes(preds) == {torch.float32}
    stabiliser.teardown(where)


def test_the_end_to_end_loss_is_float32_in_both_branches() -> None:
    model, data, seen = detector("yolo26n.yaml"), batch(), []
    stabiliser, where = Precision(Settings()), control(model)
    stabiliser.setup(where)
    inner = v8DetectionLoss.loss

    def spy(self: Any, preds: Any, more: Any) -> Any:
        seen.append(preds["boxes"].dtype)
        return inner(self, preds, more)

    with pytest.MonkeyPatch.context() as patch, torch.autocast("cpu", torch.bfloat16):
        patch.setattr(v8DetectionLoss, "loss", spy)
        loss, _ = model.loss(data, model(data["img"]))
    stabiliser.teardown(where)
    assert isinstance(model.criterion, E2ELoss)
    assert seen == [torch.float32, torch.float32]
    assert torch.isfinite(loss).all()


def test_rt_detr_has_a_criterion_of_its_own() -> None:
    from ultralytics.models.utils.loss import RTDETRDetectionLoss

    stock = RTDETRDetectionLoss.__call__
    model = SimpleNamespace(init_criterion=lambda: RTDETRDetectionLoss(nc=3, use_vfl=True))
    assert criteria(model) == [RTDETRDetectionLoss]
    stabiliser, where, seen = Precision(Settings()), control(None), []
    where.trainer.model = model
    stabiliser.setup(where)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RTDETRDetectionLoss, "forward", lambda self, *a, **k: seen.append((a, k)))
        boxes = torch.rand(7, 2, 5, 4).half()
        model.init_criterion()((boxes, boxes), {"cls": None}, dn_bboxes=boxes, dn_scores=None, dn_meta=None)
    stabiliser.teardown(where)
    (((preds, _), more),) = seen
    assert {p.dtype for p in (*preds, more["dn_bboxes"])} == {torch.float32}
    assert RTDETRDetectionLoss.__call__ is stock


def test_without_half_precision_the_loss_is_the_same_bit_for_bit() -> None:
    model, data = detector(), batch()
    criterion = v8DetectionLoss(model)
    results = []
    for call in (v8DetectionLoss.__call__, in_float32(v8DetectionLoss.__call__)):
        preds = model(data["img"])
        model.zero_grad()
        total, items = call(criterion, preds, data)
        total.sum().backward()
        results.append([total, *items.values(), *(p.grad.clone() for p in model.parameters() if p.grad is not None)])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_on_the_class_while_any_training_runs() -> None:
    stock = v8DetectionLoss.__call__
    pairs = [(Precision(Settings()), control(detector())) for _ in range(2)]
    for stabiliser, where in pairs:
        stabiliser.setup(where)
    assert v8DetectionLoss.__call__.__wrapped__ is stock, "wrapped once"
    pairs[0][0].teardown(pairs[0][1])
    assert v8DetectionLoss.__call__ is not stock
    pairs[1][0].teardown(pairs[1][1])
    assert v8DetectionLoss.__call__ is stock


@pytest.mark.parametrize(
    ("gpu", "known"),
    [
        ("NVIDIA GeForce GTX 1660 Ti", True),
        ("NVIDIA GeForce GTX 1650 with Max-Q Design", True),
        ("Quadro T1000", True),
        ("NVIDIA T400 4GB", True),
        ("Tesla K40m", True),
        ("Tesla T4", False),
        ("NVIDIA GeForce RTX 4090", False),
        ("NVIDIA A10", False),
        ("NVIDIA RTX 4000 Ada Generation", False),
        ("", False),
    ],
)
def test_gpus_known_for_trouble(gpu: str, known: bool) -> None:
    assert trouble(gpu) is known


def test_the_list_is_that_of_ultralytics() -> None:
    import inspect

    from ultralytics.utils.checks import check_amp

    source = inspect.getsource(check_amp)
    assert "(" + "|".join(precision.TROUBLE) + ")" in source


def test_advice_about_amp() -> None:
    good, bad = "NVIDIA A10", "NVIDIA GeForce GTX 1660"
    assert "amp=False" in advice(gpu=bad, asked=True, amp=True)
    assert "known for NaN" in advice(gpu=bad, asked=True, amp=False)
    assert "check of AMP failed" in advice(gpu=good, asked=True, amp=False)
    assert advice(gpu=good, asked=True, amp=True) == ""
    assert advice(gpu=bad, asked=False, amp=False) == ""
    assert advice(gpu="", asked=True, amp=False) == ""


@pytest.mark.parametrize("said", [True, False])
def test_the_advice_is_an_event_unless_switched_off(monkeypatch: pytest.MonkeyPatch, said: bool) -> None:
    monkeypatch.setattr(precision, "gpu_name", lambda device: "NVIDIA GeForce GTX 1660")
    stabiliser, where = Precision(Settings(amp_advice=said)), control(detector(), device="cuda")
    stabiliser.setup(where)
    stabiliser.teardown(where)
    warnings = [m for kind, m, _ in where.session.events if kind == "warning"]
    assert len(warnings) == said


@pytest.mark.training
def test_a_training_without_amp_is_bit_for_bit_the_stock_one(train: Callable[..., Any]) -> None:
    from trainwatch.runs import read_run

    stock, ours = train(name="stock"), train(name="ours", stabilise={"precision": True})
    assert all(
        torch.equal(a, b)
        for a, b in zip(stock.model.state_dict().values(), ours.model.state_dict().values(), strict=True)
    )
    (event,) = read_run(ours.save_dir).events_of("warning")
    assert "inert" in event["message"]
