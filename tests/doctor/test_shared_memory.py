from __future__ import annotations

import pytest
from situations import A100, GIB, judge, machine, situation, states

ID = "shared-memory"
DOCKER = {"shm_total_bytes": 64 << 20, "shm_free_bytes": 64 << 20, "in_container": True}


def test_docker_with_64_mib() -> None:
    # 16 images of 3 * 640 * 640 bytes, 4 in advance, 8 workers: 629145600 bytes = 600 MiB
    (line,) = judge(ID, situation(on=machine(A100, **DOCKER)))
    assert line.state == "bad"
    assert "64 MiB free" in line.found
    assert "600 MiB" in line.found
    assert line.commands == ("docker run --shm-size=2g ...",)
    assert dict(line.arguments) == {}, "without workers the GPU would starve"


def test_fewer_workers_are_another_way() -> None:
    (line,) = judge(ID, situation(on=machine(A100, shm_free_bytes=512 << 20)))
    assert line.state == "bad"
    assert dict(line.arguments) == {"workers": 3}
    assert states(ID, situation(on=machine(A100, shm_free_bytes=512 << 20), workers=3)) == ["ok"]


def test_outside_a_container_it_is_remounted() -> None:
    (line,) = judge(ID, situation(on=machine(A100, shm_free_bytes=1 * GIB), batch=32))
    assert line.state == "bad"
    assert line.commands == ("sudo mount -o remount,size=4G /dev/shm",)


def test_close_to_it() -> None:
    assert states(ID, situation(on=machine(A100, shm_free_bytes=1 * GIB))) == ["warn"]


def test_eight_ranks_need_eight_times_the_workers() -> None:
    eight = machine(*[A100] * 8, shm_free_bytes=8 * GIB)
    (line,) = judge(ID, situation(on=eight, device="0,1,2,3,4,5,6,7", batch=256))
    assert line.state == "bad"
    assert "64 workers" in line.found


@pytest.mark.parametrize("args", [{"workers": 0}, {"device": "cpu"}, {"batch": -1}])
def test_does_not_apply(args: dict) -> None:
    assert states(ID, situation(on=machine(A100, **DOCKER), **args)) == []
    assert states(ID, situation(on=machine(A100, **{**DOCKER, "system": "Windows"}))) == []


def test_roomy_and_unknown() -> None:
    assert states(ID, situation()) == ["ok"]
    assert states(ID, situation(on=machine(A100, shm_free_bytes=None))) == ["unknown"]
