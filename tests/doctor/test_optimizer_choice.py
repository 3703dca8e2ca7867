from __future__ import annotations

from situations import A100, data, judge, machine, situation, split, states, without

ID = "optimizer-choice"


def test_what_was_asked_for_and_is_ignored() -> None:
    (line,) = judge(ID, situation(optimizer="auto", lr0=0.02, epochs=10))
    assert line.state == "bad"
    assert "lr0=0.02" in line.found
    assert line.arguments["optimizer"] == "AdamW"
    assert states(ID, situation(optimizer=..., momentum=0.9)) == ["bad"], "auto is the default"


def test_short_trainings_get_adamw() -> None:
    # ceil(5000 / 64) * 10 = 790 steps; 0.002 * 5 / (4 + 3)
    (line,) = judge(ID, situation(optimizer="auto", lr0=..., epochs=10))
    assert line.state == "ok"
    assert "AdamW with lr 0.001429 (790 steps" in line.found


def test_long_trainings_get_musgd_and_before_8_4_sgd() -> None:
    (line,) = judge(ID, situation(optimizer="auto", lr0=..., epochs=600))
    assert "MuSGD with lr 0.01" in line.found
    old = machine(A100, versions=without(ultralytics="8.3.100"))
    (line,) = judge(ID, situation(on=old, optimizer="auto", lr0=..., epochs=600))
    assert "take SGD with lr 0.01" in line.found


def test_near_the_border() -> None:
    # 79 steps an epoch
    for epochs, state in ((120, "warn"), (130, "warn"), (100, "ok"), (200, "ok")):
        assert states(ID, situation(optimizer="auto", lr0=..., epochs=epochs)) == [state]


def test_a_batch_above_nbs_counts_itself() -> None:
    (line,) = judge(ID, situation(optimizer="auto", lr0=..., epochs=100, batch=500))
    assert "(1000 steps" in line.found


def test_fraction_counts() -> None:
    (line,) = judge(ID, situation(optimizer="auto", lr0=..., epochs=10, fraction=0.5))
    assert "(400 steps" in line.found


def test_could_not_tell() -> None:
    assert states(ID, situation(optimizer="auto", lr0=..., of=None)) == ["unknown"]
    between = machine(A100, versions=without(ultralytics="8.4.10"))
    assert states(ID, situation(on=between, optimizer="auto", lr0=...)) == ["unknown"]
    assert states(ID, situation(optimizer="auto", lr0=..., of=data(split(images=0)))) == ["unknown"]


def test_a_named_optimizer_is_taken() -> None:
    assert states(ID, situation(optimizer="SGD", lr0=0.01)) == ["ok"]
