"""Puts a situation together: arguments, machine, model and data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainwatch.doctor._arguments import check_arguments, with_file
from trainwatch.doctor._installed import Installed, describe_model, find_installed
from trainwatch.doctor._labels import Limits, read_data_set
from trainwatch.doctor._machine import look_at_machine
from trainwatch.doctor._situation import DataSet, Situation
from trainwatch.errors import BadArgument

DEFAULT_MODEL = "yolo12n.yaml"


def gather(
    requested: Mapping[str, Any], *, installed: Installed | None = None, limits: Limits | None = None
) -> Situation:
    """Look at this machine, the installed trainer and the data set.

    Args:
        requested: Arguments as the user gave them, ``cfg`` among them.
        installed: The trainer; None: look for it.
        limits: How much of the data set to read.

    Raises:
        BadArgument: If the trainer would refuse an argument.
        UnreadableData: If the data set's description cannot be used.
    """
    installed = find_installed() if installed is None else installed
    given = with_file(requested)
    check_arguments(given, installed)
    task = given.get("task")
    model = describe_model(str(given.get("model") or DEFAULT_MODEL), str(task) if task else None, installed)
    data: DataSet | None = None
    if given.get("data") is not None:
        if not isinstance(given["data"], str):
            raise BadArgument(f"data={given['data']}: must be the path of a data.yaml")
        data = read_data_set(
            given["data"], installed, task=model.task, single_cls=given.get("single_cls") is True, limits=limits
        )
    data_dir = Path(data.train.fullest).parent if data and data.train.fullest else None
    return Situation(
        requested=given,
        defaults=installed.defaults,
        machine=look_at_machine(_run_dir(given, installed), data_dir),
        model=model,
        data=data,
    )


def _run_dir(given: Mapping[str, Any], installed: Installed) -> Path:
    for value in (given.get("save_dir"), given.get("project"), installed.settings.get("runs_dir")):
        if value:
            return Path(str(value)).expanduser()
    return Path()
