"""From ``stabilise=`` to stabilisers: every wrong setting is one clear line before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trainwatch_hooks.stabilisers._settings import in_force, known, parse
from trainwatch_hooks.stabilisers.base import Request, SettingsError, boundary, scaled


@pytest.mark.parametrize(
    ("stabilise", "says"),
    [
        ({"lr_restrat": True}, "no stabiliser 'lr_restrat', did you mean 'lr_restart'"),
        ({"lr_restart": {"flor": 0.1}}, "no setting 'flor', did you mean 'floor'"),
        ({"lr_restart": {"floor": "low"}}, "lr_restart.floor is 'low', it must be a number"),
        ({"lr_restart": {"floor": float("nan")}}, "it must be a number"),
        ({"lr_restart": 3}, "lr_restart takes true, false or a mapping"),
        ({"accumulate": -4}, "accumulate is -4"),
        ({"accumulate": True, "all": 3}, "all is true or false"),
        ({"loss_stages": {"boundaries": [0.75, 0.2]}}, "overlap"),
        ({"loss_stages": {"box": [1.0, 2.0]}}, "a list of 3 numbers"),
        (3, "stabilise takes True, a mapping or a path"),
        ("/nowhere/settings.yaml", "cannot be read"),
    ],
)
def test_wrong_settings_are_one_clear_line(stabilise: Any, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(stabilise)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("lr_restart: [", "is no valid YAML at line 1"),
        ("- lr_restart", "must hold a mapping"),
        ("!!python/object/apply:os.system [echo]", "is no valid YAML"),
        ("\x00\x01", "is no valid YAML"),
    ],
)
def test_wrong_files_are_one_clear_line(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(content)
    with pytest.raises(SettingsError, match=r"s\.yaml") as caught:
        parse(file)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_says_what_a_mapping_says(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("lr_restart: {at: 0.4, floor: 0.02}\naccumulate: 2\nloss_stages: false\n")
    made = parse(file)
    assert in_force(made) == in_force(parse({"lr_restart": {"at": 0.4, "floor": 0.02}, "accumulate": 2}))
    assert [s.name for s in made] == ["accumulate", "lr_restart"]
    assert made[1].explicit == {"at", "floor"}


def test_everything_but_one(tmp_path: Path) -> None:
    assert {s.name for s in parse({"all": True, "accumulate": False})} == set(known()) - {"accumulate"}


def test_epochs_scale_from_600() -> None:
    assert scaled(100, 600) == 100
    assert scaled(100, 60) == 10
    assert scaled(10, 20) == 1
    assert boundary(0.5, 300) == 150
    assert boundary(40, 300) == 40
    assert Request({}, {"epochs": 100}).epochs == 100
