"""The folder is the registry: lists the members of a package by looking at its files.

A member's public id is its file name with hyphens: ``detectors/memory_creep.py`` is ``memory-creep``. Other packages
add members through the entry point group of the same name (``trainwatch.detectors``, ``trainwatch.advice`` ...), each
entry naming a module.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import TypeVar

from trainwatch.errors import TrainwatchError, UnknownName

T = TypeVar("T")


@cache
def modules(package: str) -> dict[str, ModuleType]:
    """Import every member module of a package and of its entry points.

    Args:
        package: Dotted name, e.g. ``trainwatch.detectors``. Files that begin with ``_`` and ``base.py`` are no members.

    Returns:
        Modules by public id, sorted by id.

    Raises:
        TrainwatchError: If two modules claim one id.
    """
    root = importlib.import_module(package)
    names = [f"{package}.{m.name}" for m in pkgutil.iter_modules(root.__path__)]
    names += [entry.value for entry in entry_points(group=package)]
    found: dict[str, ModuleType] = {}
    for name in names:
        stem = name.rsplit(".", 1)[-1]
        if stem.startswith("_") or stem == "base":
            continue
        public = stem.replace("_", "-")
        module = importlib.import_module(name)
        if public in found and found[public] is not module:
            raise TrainwatchError(
                f"two files claim the id {public!r}: {found[public].__file__} and {module.__file__}; rename one"
            )
        found[public] = module
    return dict(sorted(found.items()))


def members(package: str, base: type[T]) -> dict[str, T]:
    """Make one instance of the single subclass of ``base`` that each member module defines.

    Raises:
        TrainwatchError: If a module defines none or several.
    """
    made: dict[str, T] = {}
    for public, module in modules(package).items():
        own = [
            c
            for _, c in inspect.getmembers(module, inspect.isclass)
            if issubclass(c, base) and c.__module__ == module.__name__
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
