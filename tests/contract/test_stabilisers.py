"""What holds for every stabiliser, also for the next one."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest
import yaml

from trainwatch.commands.explain import EXPLAINED
from trainwatch.registry import modules
from trainwatch_hooks.stabilisers._settings import in_force, known, parse
from trainwatch_hooks.stabilisers.base import SettingsError, Stabiliser

ROOT = Path(__file__).parents[2]
ALL = known()
SECTIONS = ("What it does:", "Why it matters:", "How it works:", "Settings:", "What it does not do:", "References:")


def test_public_ids_do_not_collide() -> None:
    ids = [i for package in EXPLAINED for i in modules(package)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", ALL)
def test_documented_in_fixed_sections_and_tested(name: str) -> None:
    text = sys.modules[ALL[name].__module__].__doc__ or ""
    at = [text.find(f"\n{section}\n") for section in SECTIONS]
    assert -1 not in at, f"sections missing: {[s for s, i in zip(SECTIONS, at, strict=True) if i < 0]}"
    assert at == sorted(at)
    settings = text[at[3] : at[4]]
    undocumented = [f.name for f in dataclasses.fields(ALL[name].settings_type) if f.name not in settings]
    assert not undocumented, f"settings that the page does not mention: {undocumented}"
    assert (ROOT / "tests" / "hooks" / "stabilisers" / f"test_{name}.py").is_file()


@pytest.mark.parametrize("name", ALL)
def test_can_be_switched_on_and_off_and_written_down(name: str) -> None:
    assert parse({name: False}) == []
    (made,) = parse({name: True})
    assert isinstance(made, ALL[name])
    assert made.name == name
    assert dataclasses.is_dataclass(made.settings)
    with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):  # TypeError: frozen with slots, Python 3.11
        made.settings.anything = 1
    written = json.loads(json.dumps(in_force([made])))
    (again,) = parse(yaml.safe_load(yaml.safe_dump(written)))
    assert again.settings == made.settings
    assert all(f.default is not dataclasses.MISSING for f in dataclasses.fields(made.settings))


@pytest.mark.parametrize("name", ALL)
def test_unknown_and_negative_settings_are_refused_in_one_line(name: str) -> None:
    with pytest.raises(SettingsError, match="there is no setting 'nonsense'"):
        parse({name: {"nonsense": 1}})
    for field in dataclasses.fields(ALL[name].settings_type):
        if isinstance(field.default, float | int) and not isinstance(field.default, bool):
            with pytest.raises(SettingsError) as caught:
                parse({name: {field.name: -1}})
            assert "\n" not in str(caught.value)
            assert name in str(caught.value)


def test_all_means_all_and_nothing_means_nothing() -> None:
    assert [s.name for s in parse(True)] == list(ALL)
    assert parse(None) == parse(False) == []
    one = next(iter(ALL))
    assert {s.name for s in parse({"all": True, one: False})} == set(ALL) - {one}
    assert all(isinstance(s, Stabiliser) for s in parse(True))
