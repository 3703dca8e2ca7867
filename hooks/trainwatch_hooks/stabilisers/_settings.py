"""From ``stabilise=True``, a mapping or a YAML file to a list of stabilisers; the folder is the registry."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import inspect
import math
import os
import pkgutil
import types
import typing
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from trainwatch_hooks.stabilisers.base import SettingsError, Stabiliser

MAX_FILE_BYTES: Final = 1 << 20
"""A settings file larger than this is some other file."""

Stabilise = bool | str | os.PathLike[str] | Mapping[str, Any] | None
"""What ``stabilise=`` takes."""


@cache
def known() -> dict[str, type[Stabiliser]]:
    """List the stabilisers by name: one per file of this folder."""
    package = importlib.import_module(__package__)
    found: dict[str, type[Stabiliser]] = {}
    for info in pkgutil.iter_modules(package.__path__):
        if info.name.startswith("_") or info.name == "base":
            continue
        module = importlib.import_module(f"{__package__}.{info.name}")
        (found[info.name],) = (
            c
            for _, c in inspect.getmembers(module, inspect.isclass)
            if issubclass(c, Stabiliser) and c.__module__ == module.__name__
        )
    return dict(sorted(found.items()))


def parse(stabilise: Stabilise) -> list[Stabiliser]:
    """Build the stabilisers that were asked for.

    Args:
        stabilise: True: all with their defaults. A mapping from a name to True, False, or settings: exactly those that
            it names, and with ``{"all": True, ...}`` the others with their defaults. A path: a YAML file with such a
            mapping. False or None: nothing.

    Raises:
        SettingsError: On unknown names, wrong types and values, or an unreadable file.
    """
    if stabilise is None or stabilise is False:
        return []
    if stabilise is True:
        wanted: dict[str, Any] = {"all": True}
    elif isinstance(stabilise, str | os.PathLike):
        wanted = _read(Path(stabilise))
    elif isinstance(stabilise, Mapping):
        wanted = {str(k): v for k, v in stabilise.items()}
    else:
        raise SettingsError(
            f"stabilise takes True, a mapping or a path to a YAML file, not {type(stabilise).__name__} {stabilise!r}"
        )
    everything = wanted.pop("all", False)
    if not isinstance(everything, bool):
        raise SettingsError(f"stabilise: all is true or false, not {everything!r}")
    for name in wanted:
        if name not in known():
            raise SettingsError(f"stabilise: {_unknown('stabiliser', name, known())}")
    chosen = [n for n in known() if everything or n in wanted]
    return [made for name in chosen if (made := _build(name, wanted.get(name, True))) is not None]


def _build(name: str, value: Any) -> Stabiliser | None:
    kind = known()[name]
    if value is False:
        return None
    if value is True or value is None:
        return kind(kind.settings_type())
    if not isinstance(value, Mapping):
        if kind.shorthand is None:
            raise SettingsError(f"stabilise: {name} takes true, false or a mapping of settings, not {value!r}")
        value = {kind.shorthand: value}
    types_ = typing.get_type_hints(kind.settings_type)
    fields = {f.name for f in dataclasses.fields(kind.settings_type)}
    checked: dict[str, Any] = {}
    for key, entry in value.items():
        if key not in fields:
            raise SettingsError(f"stabilise: {name}: {_unknown('setting', str(key), fields)}")
        checked[key] = _checked(f"{name}.{key}", entry, types_[key])
    try:
        return kind(kind.settings_type(**checked), frozenset(checked))
    except SettingsError as error:
        raise SettingsError(f"stabilise: {name}: {error}") from None


def _checked(place: str, value: Any, kind: Any) -> Any:
    """Check a value against a settings annotation (bool, int, float, str, None, tuples and lists of them, unions)."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        errors = []
        for option in typing.get_args(kind):
            try:
                return _checked(place, value, option)
            except SettingsError as error:
                errors.append(error)
        raise SettingsError(f"stabilise: {place} is {value!r}, it must be {_name(kind)}")
    if origin is tuple:
        inner = typing.get_args(kind)
        if isinstance(value, list | tuple):
            if len(inner) == 2 and inner[1] is Ellipsis:
                return tuple(_checked(place, v, inner[0]) for v in value)
            if len(value) == len(inner):
                return tuple(_checked(place, v, k) for v, k in zip(value, inner, strict=True))
    elif origin is dict:
        key, item = typing.get_args(kind)
        if isinstance(value, Mapping):
            return {_checked(place, k, key): _checked(place, v, item) for k, v in value.items()}
    elif kind is type(None):
        if value is None:
            return None
    elif kind is float:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    elif kind is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    elif isinstance(value, kind):
        return value
    raise SettingsError(f"stabilise: {place} is {value!r}, it must be {_name(kind)}")


def _name(kind: Any) -> str:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_name(k) for k in inner)
    if origin is tuple:
        return f"a list of {len(inner)} numbers" if Ellipsis not in inner else f"a list of {_name(inner[0])}s"
    if origin is dict:
        return f"a mapping from {_name(inner[0])} to {_name(inner[1])}"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a text", type(None): "null"}[kind]


def _unknown(what: str, name: str, names: typing.Iterable[str]) -> str:
    names = sorted(names)
    near = difflib.get_close_matches(name, names, n=1)
    return f"there is no {what} {name!r}{f', did you mean {near[0]!r}?' if near else ''}; there are: {', '.join(names)}"


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SettingsError(f"stabilise: {path} is larger than 1 MiB; give a YAML file of settings")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"stabilise: {path} cannot be read ({error.strerror or error})") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where is not None else ""
        raise SettingsError(f"stabilise: {path} is no valid YAML{line}") from None
    if content is True:
        return {"all": True}
    if not isinstance(content, Mapping):
        raise SettingsError(f"stabilise: {path} must hold a mapping from stabiliser to settings, not {content!r:.60}")
    return {str(k): v for k, v in content.items()}


def in_force(stabilisers: typing.Iterable[Stabiliser]) -> dict[str, Any]:
    """Return the settings as a mapping that :func:`parse` takes back."""
    return {s.name: _plain(dataclasses.asdict(s.settings)) for s in stabilisers}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, tuple | list) else value
