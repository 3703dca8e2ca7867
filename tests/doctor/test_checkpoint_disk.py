from __future__ import annotations

from situations import A100, GIB, data, judge, machine, situation, split, states

from trainwatch.doctor._situation import Model

ID = "checkpoint-disk"
X = Model("yolo12x.yaml", True, "x", 59_210_784)


def test_every_epoch_kept_fills_the_disk() -> None:
    tight = machine(A100, disk_free_bytes=50 * GIB)
    (line,) = judge(ID, situation(on=tight, model=X, save_period=1, optimizer="AdamW", lr0=0.001))
    assert line.state == "bad"
    # 602 checkpoints of 10 bytes for each of 59210784 weights, 3 full states of 16 bytes
    need = 59_210_784 * (602 * 10 + 3 * 16)
    assert f"needed {need / GIB:.3g} GiB" in line.found
    assert line.arguments == {"save_period": 60}
    assert states(ID, situation(on=tight, model=X, save_period=60)) == ["ok"]
    assert states(ID, situation(on=tight, model=X)) == ["ok"]


def test_the_optimizer_counts() -> None:
    sgd, adam = (judge(ID, situation(model=X, optimizer=o))[0].found for o in ("SGD", "AdamW"))
    assert "226 MiB" in sgd
    assert "565 MiB" in adam


def test_little_left() -> None:
    assert states(ID, situation(on=machine(A100, disk_free_bytes=4 * GIB), model=X)) == ["warn"]


def test_cache_on_disk_counts() -> None:
    # 5500 images of 640 * 480 * 3 bytes: 4.72 GiB
    here = machine(A100, disk_free_bytes=4 * GIB)
    (line,) = judge(ID, situation(on=here, cache="disk"))
    assert line.state == "bad"
    assert "image cache 4.72 GiB" in line.found
    assert line.arguments["cache"] is False
    there = machine(A100, disk_free_bytes=4 * GIB, same_disk=False, data_disk_free_bytes=GIB)
    assert sorted(states(ID, situation(on=there, cache="disk"))) == ["ok", "warn"]


def test_nothing_saved() -> None:
    (line,) = judge(ID, situation(save=False))
    assert line.state == "bad"
    assert dict(line.arguments) == {"save": True}


def test_could_not_tell() -> None:
    assert states(ID, situation(model=Model("mine.yaml", False, None, None))) == ["unknown"]
    assert states(ID, situation(on=machine(A100, disk_free_bytes=None))) == ["unknown"]
    assert states(ID, situation(of=data(split(sizes=())), cache="disk")) == ["ok"]
