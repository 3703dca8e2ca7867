from __future__ import annotations

import pytest
from advising import advise

from trainwatch.advice.upgrade_versions import UpgradeVersions, parse

A = UpgradeVersions()


@pytest.mark.parametrize(
    ("finding", "version", "needed"),
    [
        ("nonfinite-validation", "8.4.30", "8.4.90"),
        ("nonfinite-validation", "8.4.190", None),
        ("nonfinite-validation", "8.3.0", None),
        ("nonfinite-loss", "8.3.100", "8.3.213"),
        ("out-of-memory", "8.4.12", "8.4.13"),
        ("out-of-memory", "8.4.13", None),
        ("plateau", "8.0.1", None),
    ],
)
def test_the_table(finding: str, version: str, needed: str | None) -> None:
    found = advise(A, finding, context={"versions": {"ultralytics": version}})
    assert (found is None) == (needed is None)
    if found is not None:
        assert found.steps == (f"pip install -U 'ultralytics>={needed}'",)
        assert not found.changes
        assert version in found.why


def test_faults_of_several_ranks_and_of_resumes() -> None:
    versions = {"versions": {"ultralytics": "8.3.100"}}
    assert advise(A, "rank-divergence", context=versions) is None
    found = advise(A, "rank-divergence", context={**versions, "world_size": 2})
    assert found is not None
    assert found.steps == ("pip install -U 'ultralytics>=8.4.90'",), "the newest of the versions needed"
    assert advise(A, "loss-explosion", context=versions, optimizer="AdamW") is None
    assert advise(A, "loss-explosion", context=versions, optimizer="AdamW", resume=True) is not None
    assert advise(A, "loss-explosion", context=versions, optimizer="SGD", resume=True) is None


def test_versions_are_read_or_not() -> None:
    assert parse("8.4.190") == (8, 4, 190)
    assert parse("8.4.0+cu121") == (8, 4, 0)
    assert parse("main") is None
    assert advise(A, "nonfinite-loss") is None
