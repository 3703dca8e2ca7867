from __future__ import annotations

from situations import A100, judge, machine, situation, states

ID = "loader-workers"


def test_a_container_has_fewer_cores_than_the_machine_names() -> None:
    (line,) = judge(ID, situation(on=machine(A100, cpu_count=64, cpu_usable=4.0)))
    assert line.state == "warn"
    assert "4 usable cores of 64" in line.found
    assert dict(line.arguments) == {"workers": 4}


def test_eight_ranks_share_the_cores() -> None:
    eight = machine(*[A100] * 8, cpu_usable=32.0)
    (line,) = judge(ID, situation(on=eight, device="0,1,2,3,4,5,6,7", batch=64))
    assert line.state == "warn"
    assert line.arguments["workers"] == 4


def test_the_trainer_divides_the_cores_itself() -> None:
    # 16 cores named for 8 visible GPUs: 2 workers, whatever was asked
    (line,) = judge(ID, situation(on=machine(*[A100] * 8, cpu_count=16, cpu_usable=16.0), workers=8))
    assert line.state == "ok"
    assert line.found.startswith("2 loader workers")


def test_none_at_all() -> None:
    (line,) = judge(ID, situation(workers=0))
    assert line.state == "warn"
    assert line.arguments["workers"] == 8


def test_windows() -> None:
    (line,) = judge(ID, situation(on=machine(A100, system="Windows")))
    assert line.state == "warn"
    assert "1455" in line.why


def test_cpu_good_and_unknown() -> None:
    assert states(ID, situation(device="cpu")) == ["ok"]
    assert states(ID, situation()) == ["ok"]
    assert states(ID, situation(on=machine(A100, cpu_usable=None, cpu_count=None))) == ["unknown"]
