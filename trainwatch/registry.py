"""The folder is the registry: lists the members of a package by looking at its files.

A member's public id is its file name with hyphens: ``detectors/memory_creep.py`` is ``memory-creep``. Other packages
add members through the entry point group of the same name (``trainwatch.detectors``, ``trainwatch.advice`` ...), each
entry naming a module.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
from functools import cache
from importlib.machinery import PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from trainwatch.errors import TrainwatchError, UnknownName

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import EntryPoint

T = TypeVar("T")


def names(package: str) -> dict[str, str]:
    """List the members of a package and of its entry points without importing them.

    Args:
        package: Dotted name, e.g. ``trainwatch.detectors``. Files that begin with ``_`` and ``base.py`` are no members.

    Returns:
        Dotted names of the modules by public id, sorted by id.

    Raises:
        TrainwatchError: If two modules claim one id.
    """
    root = importlib.import_module(package)
    every = [f"{package}.{m.name}" for m in pkgutil.iter_modules(root.__path__)]
    every += [entry.value for entry in entry_points(group=package)]
    found: dict[str, str] = {}
    for name in every:
        stem = name.rsplit(".", 1)[-1]
        if stem.startswith("_") or stem == "base":
            continue
        public = stem.replace("_", "-")
        if found.setdefault(public, name) != name:
            files = [importlib.import_module(n).__file__ for n in (found[public], name)]
            raise TrainwatchError(f"two files claim the id {public!r}: {files[0]} and {files[1]}; rename one")
    return dict(sorted(found.items()))


@cache
def modules(package: str) -> dict[str, ModuleType]:
    """Import every member module of a package and of its entry points.

    Returns:
        Modules by public id, sorted by id.

    Raises:
        TrainwatchError: If two modules claim one id.
    """
    return {public: importlib.import_module(name) for public, name in names(package).items()}


def entry_points(group: str) -> Sequence[EntryPoint]:
    """Return the entry points of a group; Python's own reader takes a tenth of a second and is asked only if there are any."""
    if not _named_by_a_package(group):
        return ()
    from importlib import metadata

    return tuple(metadata.entry_points(group=group))


def _named_by_a_package(group: str) -> bool:
    """Whether an installed package may have entry points of a group, judged by the files beside it.

    True as well where packages are kept otherwise than in folders of files: then only Python's own reader knows.
    """
    if any(hasattr(f, "find_distributions") and f is not PathFinder for f in sys.meta_path):
        return True
    # Scripts put paths there that are no strings; Python ignores them.
    return any(_may_name(path or ".", f"[{group}]".encode()) for path in sys.path if isinstance(path, str))


def _may_name(folder: str, header: bytes) -> bool:
    if os.path.isfile(folder) or folder.endswith(".egg"):
        return True
    try:
        with os.scandir(folder) as entries:
            found = [e.path for e in entries if e.name.endswith((".dist-info", ".egg-info"))]
    except OSError:
        return False
    for path in found:
        try:
            with open(os.path.join(path, "entry_points.txt"), "rb") as file:
                if header in file.read().replace(b" ", b""):
                    return True
        except OSError:
            continue
    return False


def documentation(name: str) -> str:
    """Return the docstring of a module, cleaned, from its source: importing a member may take half a second."""
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.origin and spec.origin.endswith(".py"):
        with open(spec.origin, encoding="utf-8") as file:
            return ast.get_docstring(ast.parse(file.read())) or ""
    return inspect.getdoc(importlib.import_module(name)) or ""


def members(package: str, base: type[T]) -> dict[str, T]:
    """Make one instance of the single subclass of ``base`` that each member module defines.

    Raises:
        TrainwatchError: If a module defines none or several.
    """
    made: dict[str, T] = {}
    for public, module in modules(package).items():
        own = [
            c
            for c in vars(module).values()
            if inspect.isclass(c) and issubclass(c, base) and c.__module__ == module.__name__
        ]
        if len(own) != 1:
            raise TrainwatchError(f"{module.__file__} must define exactly one {base.__name__}, it defines {len(own)}")
        made[public] = own[0]()
    return made


def member(package: str, base: type[T], public: str) -> T:
    """Return one member by id.

    Raises:
        UnknownName: If there is none; the message lists those that exist.
    """
    every = members(package, base)
    if public not in every:
        raise UnknownName(f"there is no {public!r}; there are: {', '.join(every)}")
    return every[public]
