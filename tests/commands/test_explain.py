from __future__ import annotations

import inspect

import pytest

from trainwatch.cli import run
from trainwatch.registry import documentation, modules, names


@pytest.mark.parametrize("id", ["memory-creep", "lower-lr"])
def test_prints_the_documentation(id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", id]) == 0
    out = capsys.readouterr().out
    assert out.startswith(id)
    assert "References:" in out


def test_unknown_names_list_what_exists(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "memory-crep"]) == 2
    err = capsys.readouterr().err
    assert "did you mean" in err
    assert "memory-creep" in err
    assert "\n" not in err.strip()
    assert len(err) < 250


def test_without_an_id_it_lists_everything(capsys: pytest.CaptureFixture[str]) -> None:
    from trainwatch.commands.explain import FOLDERS
    from trainwatch.registry import modules

    assert run(["explain"]) == 0
    out = capsys.readouterr().out
    for package, title in FOLDERS.items():
        assert title in out
        assert all(f"  {i} " in out for i in modules(package))


def test_the_source_tells_what_the_module_tells() -> None:
    for public, name in names("trainwatch.advice").items():
        assert documentation(name) == inspect.getdoc(modules("trainwatch.advice")[public])
