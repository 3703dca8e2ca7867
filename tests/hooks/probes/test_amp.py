from __future__ import annotations

import pytest

from trainwatch_hooks.probes.amp import SkipDetector, scale

torch = pytest.importorskip("torch")


def test_a_fall_is_a_skip() -> None:
    detector = SkipDetector()
    assert [detector.skipped(v) for v in (65536.0, 65536.0, 32768.0, 32768.0, 65536.0, 16384.0)] == [
        False, False, True, False, False, True,
    ]  # fmt: skip


def test_no_scaler_no_scale() -> None:
    assert scale(None) is None
    assert scale(torch.amp.GradScaler("cpu", enabled=False)) is None


def test_a_real_scaler_is_read_without_get_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    detector, skipped = SkipDetector(), []
    monkeypatch.setattr(scaler, "get_scale", lambda: pytest.fail("get_scale() waits for the device"))
    for factor in (1.0, float("inf"), 1.0):
        scaler.scale((weight * factor).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        skipped.append(detector.skipped(float(scale(scaler))))
    assert skipped == [False, True, False]
