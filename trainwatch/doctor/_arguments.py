"""The user's words become the trainer's arguments, checked as the trainer would check them."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from trainwatch.doctor._installed import ALSO_ACCEPTED, Installed
from trainwatch.errors import BadArgument

SKIPPED: Final = frozenset({"yolo", "train"})
"""Words that a pasted training command begins with."""

TASKS: Final = frozenset({"detect", "segment", "semantic", "depth", "classify", "pose", "obb"})


MODEL_FILES: Final = frozenset({".pt", ".yaml", ".yml"})

BARE: Final = SKIPPED | TASKS | {"resume"}
"""Words that may stand alone."""


def parse_words(words: Sequence[str]) -> dict[str, Any]:
    """Return arguments from ``key=value``, ``--key value`` and ``--key=value``.

    Raises:
        BadArgument: If a word is none of these.
    """
    found: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, sign, text = word.removeprefix("--").partition("=")
        if not sign and word.startswith("--") and len(word) > 2:
            if not rest or rest[0].startswith("--"):
                raise BadArgument(f"{word} needs a value: {word} VALUE, or {name}=VALUE")
            text = rest.pop(0)
        elif not sign:
            if word in TASKS:
                found["task"] = word
            elif word == "resume":
                found["resume"] = True
            elif word not in SKIPPED:
                raise BadArgument(f"{word!r} is no argument; {_meant(word)}")
            continue
        if not name:
            raise BadArgument(f"{word!r} has no name before the sign =")
        if not text:
            raise BadArgument(f"{name}= has no value")
        found[name.replace("-", "_")] = plain_value(text)
    return found


def _meant(word: str) -> str:
    """Guess what a bare word was meant to be: a file, a mistyped word, or an argument without its value."""
    if Path(word).suffix in MODEL_FILES:
        data = Path(word).suffix in (".yaml", ".yml") and not Path(word).name.startswith("yolo")
        return f"did you mean data={word}?" if data else f"did you mean model={word}?"
    near = difflib.get_close_matches(word.lower(), sorted(BARE), n=1)
    return f"did you mean {near[0]}?" if near else "write key=value or --key value"


def plain_value(text: str) -> Any:
    """Read a value as the trainer's command line does: none, true, false, a Python literal, else the text itself."""
    simple = {"none": None, "true": True, "false": False}
    if text.lower() in simple:
        return simple[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def with_file(requested: Mapping[str, Any]) -> dict[str, Any]:
    """Put the arguments of ``cfg=FILE`` below those given by hand.

    Raises:
        BadArgument: If the file cannot be read.
    """
    given = dict(requested)
    path = given.pop("cfg", None)
    if path is None:
        return given
    try:
        read = yaml.safe_load(Path(str(path)).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise BadArgument(f"cfg={path}: cannot be read ({reason}); name a YAML file of arguments") from error
    except yaml.YAMLError as error:
        raise BadArgument(f"cfg={path}: not YAML ({_where(error)})") from error
    if not isinstance(read, dict):
        raise BadArgument(f"cfg={path}: holds no arguments; write one `key: value` a line")
    return {**{str(k): v for k, v in read.items()}, **given}


def check_arguments(requested: Mapping[str, Any], installed: Installed) -> None:
    """Refuse what the installed trainer would refuse; without one, nothing is known and nothing refused.

    Raises:
        BadArgument: For the first unknown name, or value of the wrong kind.
    """
    if installed.folder is None:
        return
    known = set(installed.defaults) | ALSO_ACCEPTED
    for name, value in requested.items():
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=3)
            guess = f"did you mean {' or '.join(near)}?" if near else "see `yolo cfg` for all"
            hint = _as_nbs(name, requested) or INSTEAD.get(name) or guess
            raise BadArgument(f"Ultralytics has no argument {name!r}; {hint}")
        problem = _problem(name, value, installed)
        if problem:
            raise BadArgument(f"{name}={value}: {problem}")


INSTEAD: Final = {
    "accumulate": "write nbs=batch*accumulate, e.g. batch=16 nbs=64 accumulates 4 batches",
    "mosaic_prob": "the probability is mosaic itself, e.g. mosaic=0.8",
    "fp16_skip_layers": "no such choice exists; amp=bf16 or amp=False changes the precision of all layers",
    "restart_epoch": "warm restarts are not built in; cos_lr=True with lrf is",
    "restart_decay": "warm restarts are not built in; cos_lr=True with lrf is",
    "val_interval": "validation is every epoch or never (val=False)",
    "val_period": "validation is every epoch or never (val=False)",
    "grad_clip": "gradients are always clipped at 10.0",
    "lr": "did you mean lr0?",
}
"""Arguments that articles and threads name, but that never existed, and what there is."""


def _as_nbs(name: str, requested: Mapping[str, Any]) -> str:
    """Say ``accumulate`` in the trainer's own words, where the batch is known."""
    batch, wanted = requested.get("batch"), requested.get(name)
    if name != "accumulate" or type(batch) is not int or type(wanted) is not int or batch < 1:
        return ""
    return f"write batch={batch} nbs={batch * wanted}, which accumulates {wanted} batches"


def _problem(name: str, value: Any, installed: Installed) -> str:
    kind = installed.kinds.get(name)
    if value is None:
        fixed = name == "amp" or (kind is not None and installed.defaults.get(name) is not None)
        return "must have a value" if fixed else ""
    number = isinstance(value, int | float)
    if kind == "int":
        if not number or value != int(value):
            return "must be a whole number"
        low = installed.minimum.get(name)
        return f"must be at least {low}" if low is not None and value < low else ""
    if kind == "bool":
        return "" if isinstance(value, bool) else "must be True or False"
    if kind == "float":
        return "" if number else "must be a number"
    if kind == "fraction":
        if name == "fraction":
            return "" if number or isinstance(value, list) else "must be a number"
        if not number:
            return "must be a number"
        return "" if 0 <= value <= 1 else "must be between 0 and 1"
    if name == "amp" and not isinstance(value, bool) and str(value).lower() not in ("fp16", "bf16", "fp32"):
        return "must be True, False, fp16, bf16 or fp32"
    return ""


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "malformed"
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(problem)
