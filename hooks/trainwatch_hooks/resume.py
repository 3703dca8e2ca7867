"""Go on with a training from its checkpoints, exactly or with changed arguments: ``resume("runs/exp3", {"epochs": 300})``.

    choose     the newest checkpoint (or the best, or a path) that is whole
    check      changed arguments exist, fit, and may change
    train      a fresh training with the saved arguments, the same stabilisers, in the same folder ...
    restore    ... brought to the saved state once everything is set up, and its random numbers before the first batch

The record goes on in the same folder. Without checkpoints of ours Ultralytics resumes from its own last.pt.
"""

from __future__ import annotations

import difflib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from trainwatch_hooks.schema import FOLDER
from trainwatch_hooks.stabilisers import _engine, _files, _settings, _state, _weights
from trainwatch_hooks.stabilisers._restore import Restore
from trainwatch_hooks.stabilisers.base import Request, SettingsError, Stabiliser
from trainwatch_hooks.trainers.ultralytics import record

FIXED: Final = frozenset(
    {"model", "task", "mode", "resume", "save_dir", "project", "name", "exist_ok", "pretrained", "cfg", "tracker"}
)
"""Arguments that name the run or its model; a resumed training keeps them."""

ULTRALYTICS_MAY_CHANGE: Final = frozenset(
    {
        "imgsz", "batch", "device", "close_mosaic", "augmentations", "save_period", "workers", "cache", "patience",
        "time", "freeze", "val", "plots", "channels_last", "distill_model",
    }
)  # fmt: skip
"""What Ultralytics 8.4's own resume takes over (engine/trainer.py: check_resume)."""

_ACTIVATION: Final = re.compile(r"(torch\.)?nn\.\w+\([\w=.,\s+-]*\)")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a resume is going to do.

    Attributes:
        run_dir: The run's folder.
        path: The checkpoint.
        state: Its content, None for Ultralytics' own last.pt.
        args: Arguments of the continuation.
        changes: Those that differ from the saved ones.
        skipped: Newer checkpoints that are damaged, as sentences.
        last_pt_epochs: Epochs that Ultralytics' own last.pt has seen according to the record, None if it does not say.
    """

    run_dir: Path
    path: Path
    state: Mapping[str, Any] | None
    args: Mapping[str, Any]
    changes: Mapping[str, Any]
    skipped: tuple[str, ...] = ()
    last_pt_epochs: int | None = None

    @property
    def next_epoch(self) -> int | None:
        """Epoch (from 0) that comes next, None if only Ultralytics knows."""
        return None if self.state is None else int(self.state["next_epoch"])

    def sentences(self) -> list[str]:
        """Say what is going to happen, for people."""
        lines = [*self.skipped]
        if self.state is None:
            lines.append(
                f"Ultralytics resumes from its own {self.path.name}, not exactly: half-precision EMA weights and momentum, "
                "other random numbers and image order"
            )
        else:
            where = f"epoch {self.state['next_epoch'] + 1} of {self.args['epochs']}"
            if self.state["batch"] is not None:
                where += f", from its start, with the weights after its batch {self.state['batch'] + 1}: not exact"
            lines.append(f"resuming from {self.path.name} with {where}")
            ahead = (self.last_pt_epochs or 0) - int(self.state["next_epoch"])
            if ahead > 0:
                lines.append(f"weights/last.pt of Ultralytics is {ahead} epochs further, but not exact: --from last")
        if self.changes:
            saved = (self.state or {}).get("args") or {}
            lines.append(
                "changed: "
                + ", ".join(f"{k}={v}" + (f" (was {saved[k]})" if k in saved else "") for k, v in self.changes.items())
            )
        return lines


def plan(run: Path | str, changes: Mapping[str, Any] | None = None, source: str = "latest") -> Plan:
    """Choose the checkpoint and check the changes; starts nothing.

    Args:
        run: The run's folder.
        changes: Arguments of the trainer to change.
        source: ``latest``, ``best``, ``last`` (Ultralytics' own last.pt), or a path.

    Raises:
        SettingsError: If there is nothing to resume, or the changes cannot work.
    """
    run_dir = _run_dir(Path(run))
    wanted = dict(changes or {})
    _check_names(wanted)
    if source == "last":
        return _ultralytics(run_dir, wanted, [])
    folder = run_dir / FOLDER / _files.FOLDER
    if source not in ("latest", "best"):
        return _planned(run_dir, Path(source), (), wanted)
    names = _files.newest_first(folder) if source == "latest" else _files.best_first(folder)
    entries = _files.read_manifest(folder)
    skipped: list[str] = []
    for name in names:
        problem = _files.damage(folder / name, entries.get(name))
        if problem is None:
            try:
                state = _state.load(folder / name)
            except SettingsError as error:
                problem = str(error)
            else:
                made = _planned(run_dir, folder / name, tuple(skipped), wanted, state)
                return made if source == "best" else replace(made, last_pt_epochs=_last_pt_epochs(run_dir))
        skipped.append(f"{name} is skipped: {problem}")
    if source == "best":
        raise SettingsError(f"{run_dir}: no best checkpoint of trainwatch{_because(skipped)}; try --from latest")
    return _ultralytics(run_dir, wanted, skipped)


def resume(
    run: Path | str,
    changes: Mapping[str, Any] | None = None,
    source: str = "latest",
    *,
    trainer: Any = None,
    callbacks: Mapping[str, Callable[[Any], None]] | None = None,
) -> Any:
    """Go on with a training; returns the trainer when it has ended.

    Args:
        run: The run's folder.
        changes: Arguments of the trainer to change.
        source: ``latest``, ``best``, ``last``, or a path.
        trainer: Trainer class, if the training used one of your own.
        callbacks: Callbacks of your own, by event.

    Raises:
        SettingsError: If there is nothing to resume, or the changes cannot work.
    """
    return carry_out(plan(run, changes, source), trainer=trainer, callbacks=callbacks)


def carry_out(
    planned: Plan, *, trainer: Any = None, callbacks: Mapping[str, Callable[[Any], None]] | None = None
) -> Any:
    """Train on as planned; see :func:`resume`."""
    if planned.state is None:
        return _by_ultralytics(planned, callbacks or {})
    state = planned.state
    if trainer is None and not str(state["trainer"]).startswith("ultralytics."):
        raise SettingsError(
            f"the training used a trainer of its own ({state['trainer']}); "
            "call trainwatch_hooks.resume.resume(run, trainer=YourTrainer) from your script"
        )
    stabilisers = _stabilisers(state)
    _refuse_contradictions(stabilisers, planned)
    model = _scaffold(state)
    restore = Restore(planned.path, dict(planned.changes))
    model.add_callback("on_train_epoch_start", restore.on_train_epoch_start)  # before what stabilisers do there
    for event, callback in (callbacks or {}).items():
        model.add_callback(event, callback)
    recording = record(model)
    hook = _engine.StabiliserHook(recording, stabilisers)
    for event in _engine.EVENTS:
        model.add_callback(event, getattr(hook, event))
    restore.attach(hook, recording)
    for event in ("on_pretrain_routine_end", "on_train_batch_end"):
        model.add_callback(event, getattr(restore, event))
    arguments = {**planned.args, "save_dir": str(planned.run_dir), "resume": False, "exist_ok": True}
    with _kept(planned.run_dir / "results.csv"):
        model.train(trainer=_factory(model, trainer, state), **arguments)
    return model.trainer


@contextmanager
def _kept(path: Path) -> Iterator[None]:
    """Write a file again that has gone if what follows fails: the trainer removes results.csv before it is set up."""
    content = path.read_bytes() if path.exists() else None
    try:
        yield
    except BaseException:
        if content is not None and not path.exists():
            path.write_bytes(content)
        raise


def _run_dir(run: Path) -> Path:
    if not run.is_dir():
        raise SettingsError(f"{run}: no such folder; give the folder that the training wrote, e.g. runs/detect/train")
    run = run.resolve()
    return run.parent if run.name == FOLDER and not (run / FOLDER).is_dir() else run


def _check_names(changes: Mapping[str, Any]) -> None:
    from ultralytics.utils import DEFAULT_CFG_DICT

    for name in changes:
        if name in FIXED:
            raise SettingsError(f"{name} cannot change when a training goes on in its folder; start a new one for that")
        if name not in DEFAULT_CFG_DICT:
            near = difflib.get_close_matches(name, DEFAULT_CFG_DICT, n=1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            raise SettingsError(f"the trainer has no argument {name!r}{hint}")


def _planned(
    run_dir: Path,
    path: Path,
    skipped: tuple[str, ...],
    wanted: Mapping[str, Any],
    state: Mapping[str, Any] | None = None,
) -> Plan:
    if state is None:
        problem = _files.damage(path, _files.read_manifest(path.parent).get(path.name))
        if problem is not None:
            raise SettingsError(f"{path}: {problem}; give another file, or --from latest")
        state = _state.load(path)
    saved = {k: v for k, v in state["args"].items() if k != "save_dir"}
    args = _checked({**saved, **wanted})
    changes = {k: args[k] for k in wanted if args[k] != saved.get(k)}
    if "device" in changes and "workers" not in changes:
        args.pop("workers", None)  # the trainer sets it to 0 on a CPU, the user did not
    args["cfg"] = None  # its content is among the saved arguments
    args["data"] = _data(args.get("data"), run_dir)
    if int(state["next_epoch"]) >= int(args["epochs"]):
        done = int(state["next_epoch"])
        raise SettingsError(f"{run_dir}: all {done} epochs are done; to go on, give more of them: epochs={2 * done}")
    return Plan(run_dir, path.resolve(), state, args, changes, skipped)


def _last_pt_epochs(run_dir: Path) -> int | None:
    """Return how many epochs last.pt has seen, from the record; the file itself would have to be unpickled."""
    if not (run_dir / "weights" / "last.pt").exists():
        return None
    try:
        lines = (run_dir / FOLDER / "events" / "rank0.jsonl").read_bytes().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        try:
            event = json.loads(line)
            if event["kind"] == "checkpoint" and event["source"] == "ultralytics":
                return int(event["epoch"]) + 1
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return None


def _checked(args: Mapping[str, Any]) -> dict[str, Any]:
    """Let the trainer check the arguments; arguments that its version does not know (any more) are left out."""
    from ultralytics.cfg import get_cfg
    from ultralytics.utils import DEFAULT_CFG_DICT

    known = {k: v for k, v in args.items() if k in DEFAULT_CFG_DICT}
    try:
        return {k: v for k, v in vars(get_cfg(overrides=known)).items() if k in known}
    except Exception as error:  # TypeError, ValueError, SyntaxError: the trainer's own words
        raise SettingsError(" ".join(str(error).split())[:300]) from None


def _data(data: Any, run_dir: Path) -> Any:
    """Find a relative path that was given in another working folder."""
    if not isinstance(data, str) or Path(data).exists():
        return data
    there = Path(str(_meta(run_dir).get("cwd") or ".")) / data
    return str(there) if there.exists() else data


def _meta(run_dir: Path) -> dict[str, Any]:
    try:
        meta = json.loads((run_dir / FOLDER / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return meta if isinstance(meta, dict) else {}


def _stabilisers(state: Mapping[str, Any]) -> list[Stabiliser]:
    saved = state["stabilisers"]
    made = _settings.parse({n: v for n, v in saved["settings"].items() if n in _settings.known()})
    return [type(s)(s.settings, frozenset(saved["explicit"].get(s.name, ()))) for s in made]


def _refuse_contradictions(stabilisers: list[Stabiliser], planned: Plan) -> None:
    """Let the stabilisers look at changed arguments; unchanged ones they have seen when the training was started."""
    from ultralytics.utils import DEFAULT_CFG_DICT

    if not planned.changes:
        return
    request = Request(
        planned.changes, {**DEFAULT_CFG_DICT, **planned.args}, str(planned.args.get("model", "")), goes_on=True
    )
    for stabiliser in stabilisers:
        stabiliser.arguments(request)


def _scaffold(state: Mapping[str, Any]) -> Any:
    """Make the ``YOLO`` of the saved model; its weights do not matter, its kind does."""
    import yaml
    from ultralytics.models import YOLO

    content = dict(state["model_yaml"])
    _check_model(content)
    name = Path(str(content.get("yaml_file") or state["args"].get("model") or "model")).stem
    folder = Path(tempfile.mkdtemp(prefix="trainwatch-"))
    try:
        path = folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return YOLO(str(path), task=str(state["task"]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_model(content: Mapping[str, Any]) -> None:
    """Refuse a model that could run something: Ultralytics evaluates ``activation`` and calls layers by their names.

    Raises:
        SettingsError: If a layer is no torch module.
    """
    import torch
    from torchvision import ops  # type: ignore[import-untyped]
    from ultralytics.nn import tasks

    activation = content.get("activation")
    if activation is not None and not _ACTIVATION.fullmatch(str(activation)):
        raise SettingsError(f"the checkpoint's model has an activation that is no torch module: {activation!r:.80}")
    for layer in [*(content.get("backbone") or ()), *(content.get("head") or ())]:
        name = str(layer[2]) if isinstance(layer, list | tuple) and len(layer) > 2 else ""
        where, _, last = name.rpartition(".")
        kind = getattr({"nn": torch.nn, "torchvision.ops": ops, "": tasks}.get(where), last, None)
        if not (isinstance(kind, type) and issubclass(kind, torch.nn.Module)):
            raise SettingsError(f"the checkpoint's model has a layer that is no torch module: {name!r:.80}")


def _factory(model: Any, trainer: Any, state: Mapping[str, Any]) -> Callable[..., Any]:
    """Return what makes the trainer: the stock one, with the saved model in place of the argument's."""

    def make(overrides: dict[str, Any], _callbacks: Any = None) -> Any:
        made = (trainer or model._smart_load("trainer"))(overrides=overrides, _callbacks=_callbacks)
        if getattr(made, "ddp", False):
            made.resume = True  # the launching process would remove the run's folder
            return made

        def setup_model() -> None:
            made.model = made.get_model(cfg=dict(state["model_yaml"]), weights=None, verbose=False)

        made.setup_model = setup_model
        return made

    return make


def _because(reasons: list[str]) -> str:
    return f" ({'; '.join(reasons)})" if reasons else ""


def _ultralytics(run_dir: Path, wanted: Mapping[str, Any], skipped: list[str]) -> Plan:
    """Plan Ultralytics' own resume.

    Raises:
        SettingsError: If it has nothing to resume, or would ignore a change.
    """
    last = run_dir / "weights" / "last.pt"
    if not last.exists():
        raise SettingsError(
            f"{run_dir}: nothing to resume, no whole checkpoint and no weights/last.pt{_because(skipped)}"
        )
    if not _weights.whole(last):
        raise SettingsError(f"{run_dir}: nothing to resume, weights/last.pt is damaged{_because(skipped)}")
    ignored = sorted(set(wanted) - ULTRALYTICS_MAY_CHANGE)
    if ignored:
        raise SettingsError(
            f"{run_dir}: only weights/last.pt is there to resume from, and Ultralytics would ignore {', '.join(ignored)}; "
            f"it takes {', '.join(sorted(ULTRALYTICS_MAY_CHANGE))}"
        )
    return Plan(run_dir, last, None, dict(wanted), dict(wanted), tuple(skipped))


def _by_ultralytics(planned: Plan, callbacks: Mapping[str, Callable[[Any], None]]) -> Any:
    from ultralytics.models import YOLO

    model = YOLO(str(planned.path))
    checkpoint = model.ckpt or {}
    if int(checkpoint.get("epoch", -1)) < 0 or checkpoint.get("optimizer") is None:
        raise SettingsError(
            f"{planned.run_dir}: nothing to resume, weights/last.pt was stripped when the training ended; "
            f"start a new one from it: yolo train model={planned.path}"
        )
    for event, callback in callbacks.items():
        model.add_callback(event, callback)
    recording = record(model)
    settings = _engine.settings_of(_meta(planned.run_dir))
    if settings:
        hook = _engine.StabiliserHook(recording, _settings.parse(settings))
        for event in _engine.EVENTS:
            model.add_callback(event, getattr(hook, event))
    model.train(resume=str(planned.path), save_dir=str(planned.run_dir), **planned.args)
    return model.trainer
