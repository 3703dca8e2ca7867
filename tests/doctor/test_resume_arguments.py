from __future__ import annotations

from situations import A100, machine, situation, states, without

from trainwatch.doctor._installed import package_folder
from trainwatch.doctor._situation import Situation
from trainwatch.doctor.resume_arguments import ResumeArguments

ID = "resume-arguments"


def resumed(version: str = "8.4.190", **args: object) -> Situation:
    return Situation(
        {"resume": True, "model": "last.pt", **args}, {}, machine(A100, versions=without(ultralytics=version))
    )


def test_what_is_ignored() -> None:
    (line,) = ResumeArguments().judge(resumed(lr0=0.001, batch=8))
    assert line.state == "bad"
    assert "lr0=0.001" in line.found
    assert "batch" not in line.found


def test_older_versions_take_less() -> None:
    assert states(ID, resumed(workers=2)) == ["ok"]
    assert states(ID, resumed("8.4.100", workers=2)) == ["bad"]


def test_no_resume() -> None:
    assert states(ID, situation()) == []


def test_the_list_is_the_installed_trainers() -> None:
    import pytest

    folder = package_folder("ultralytics")
    if folder is None:
        pytest.skip("Ultralytics is not installed")
    source = (folder / "engine" / "trainer.py").read_text()
    allowed = source[source.index("allowed = {") :].split("}", 1)[0]
    assert all(f'"{name}"' in allowed for name in ResumeArguments().taken)
