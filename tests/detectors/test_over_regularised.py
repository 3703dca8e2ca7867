from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.detectors.over_regularised import OverRegularised
from trainwatch.result import Finding

EPOCHS = 30


def detect(gap: float = 1.0, top: float = 0.2, frozen: int = 0, epochs: int = EPOCHS, **args: Any) -> list[Finding]:
    """A training whose validation loss is ``gap`` times its training loss; ``frozen`` of ten layers have no gradient."""
    t = np.arange(epochs)
    train = 3 * np.exp(-t / 20)
    columns = {
        "train/box_loss": train,
        "val/box_loss": gap * train,
        "train/cls_loss": train / 2,
        "val/cls_loss": gap * train / 2,
        "metrics/mAP50-95(B)": top * (1 - np.exp(-t / 10)),
    }
    steps = {f"grad_norm/model.{i}": np.full(10 * epochs, 0.0 if i < frozen else 2.0) for i in range(10)}
    return OverRegularised().detect(
        make_run(steps, columns, args={"warmup_epochs": 0.0, **args}, planned_epochs=epochs)
    )


def test_frozen_layers_without_overfitting() -> None:
    (finding,) = detect(frozen=9, freeze=21)
    assert finding.severity == "info"
    assert finding.detail["brakes"] == {"freeze": "21"}


@pytest.mark.parametrize(
    "brake", [{"degrees": 180.0}, {"hsv_h": 0.5}, {"shear": 45.0}, {"mixup": 1.0}, {"weight_decay": 0.9}]
)
def test_augmentation_and_decay_beyond_the_usual(brake: dict[str, float]) -> None:
    (finding,) = detect(**brake)
    assert finding.detail["brakes"] == brake


def test_usual_settings_are_quiet() -> None:
    assert detect() == []
    assert detect(degrees=45.0, hsv_s=0.7, hsv_v=0.4, mixup=0.15, scale=0.9, weight_decay=0.05) == []
    assert detect(frozen=5, freeze=10) == [], "a frozen backbone"


def test_where_it_overfits_or_is_good_the_brake_stays() -> None:
    assert detect(gap=1.3, degrees=180.0) == []
    assert detect(top=0.8, degrees=180.0) == []


def test_gradients_of_zero_without_freeze_and_a_net_without_any_gradient_are_other_faults() -> None:
    assert detect(frozen=9) == []
    assert detect(frozen=10, freeze=23) == []


def test_short_records_are_not_judged() -> None:
    assert detect(epochs=7, degrees=180.0) == []


def test_it_asks_for_a_score_and_arguments() -> None:
    assert OverRegularised().missing(make_run({"loss": np.ones(9)}))
    assert OverRegularised().missing(make_run(None, {"fitness": np.ones(9)}))


def test_what_is_strong_beside_an_augmentation_beyond_the_range_is_named_with_it() -> None:
    (finding,) = detect(shear=80.0, translate=0.9, scale=0.95, hsv_s=0.7)
    assert finding.detail["brakes"] == {"shear": 80.0, "translate": 0.9, "scale": 0.95}
    assert detect(translate=0.9, scale=0.95) == []
