from __future__ import annotations

from advising import advise, new

from trainwatch.advice.raise_workers import RaiseWorkers

A = RaiseWorkers()


def test_doubled_up_to_the_cores_of_a_rank() -> None:
    assert new(advise(A, "dataloader-bound", context={"cpu_count": 16}, workers=4)) == {"workers": 8}
    assert new(advise(A, "dataloader-bound", context={"cpu_count": 16, "world_size": 2}, workers=6)) == {"workers": 8}
    assert new(advise(A, "dataloader-bound", context={"cpu_count": 4}, workers=0)) == {"workers": 2}


def test_no_cores_left_means_a_cache() -> None:
    assert new(advise(A, "dataloader-bound", context={"cpu_count": 4}, workers=8, cache=False)) == {"cache": "disk"}
    assert new(advise(A, "dataloader-bound", workers=8, cache=False)) == {"cache": "disk"}
    assert advise(A, "dataloader-bound", context={"cpu_count": 4}, workers=8, cache="ram") is None


def test_short_host_memory_gets_no_more_workers() -> None:
    found = advise(A, "dataloader-bound", "host-memory-creep", context={"cpu_count": 16}, workers=2, cache=False)
    assert new(found) == {"cache": "disk"}


def test_slower_work_is_not_the_loaders_fault() -> None:
    assert advise(A, "throughput-drop", detail={"part": "work"}, context={"cpu_count": 16}, workers=2) is None
    assert advise(A, "rank-straggler", detail={"part": "data"}, context={"cpu_count": 16}, workers=2) is not None
    assert advise(A, "plateau", context={"cpu_count": 16}, workers=2) is None
