from __future__ import annotations

from situations import A100, judge, machine, situation, states, without

ID = "rank-callbacks"


def on_eight(**versions: str) -> list[str]:
    return states(
        ID, situation(on=machine(*[A100] * 8, versions=without(**versions)), device="0,1,2,3,4,5,6,7", batch=64)
    )


def test_lost_before_8_4_140() -> None:
    assert on_eight(ultralytics="8.4.139") == ["bad"]
    assert on_eight(ultralytics="8.4.140") == ["ok"]


def test_cloudpickle() -> None:
    assert on_eight(cloudpickle="2.2.1") == ["warn"]
    here = machine(*[A100] * 2, versions=without("cloudpickle"))
    (line,) = judge(ID, situation(on=here, device="0,1"))
    assert line.state == "warn"
    assert line.commands == ('pip install "cloudpickle>=3.1.1"',)


def test_one_device_and_unknown() -> None:
    assert states(ID, situation(on=machine(A100, versions=without(ultralytics="8.3.0")))) == []
    assert states(ID, situation(on=machine(A100, A100, versions=without("ultralytics")), device="0,1")) == ["unknown"]
