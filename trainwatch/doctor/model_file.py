"""Whether the model that was named can be found.

What it does:
    Looks for the file, and for the trainer's own description of that name.

Why it matters:
    Weights that are not here are fetched when the training starts: on a machine without network it ends there. An older
    trainer has no description of a newer family.

How it decides:
    Bad: a description (.yaml) that is neither a file nor the installed trainer's, or a path to weights that do not
    exist. A warning: weights that will be fetched.

What to do:
    Fetch the weights beforehand, correct the path, or upgrade the trainer.

References:
    Ultralytics 8.4.190 nn/tasks.py (yaml_model_load), utils/downloads.py (attempt_download_asset).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class ModelFile(Check):
    """Where the model comes from."""

    title: ClassVar[str] = "The model's file"

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line."""
        model, version = situation.model, situation.machine.versions.get("ultralytics")
        if model.source is None:
            return self.unknown(f"could not tell whether {model.name} can be found: Ultralytics is not installed here")
        if model.source == "nowhere":
            meant = f"; did you mean {' or '.join(model.near)}?" if model.near else ""
            own = f", and Ultralytics {version} has none of that name" if model.name.endswith((".yaml", ".yml")) else ""
            return self.bad(
                f"{model.name} does not exist{own}{meant}",
                "The training ends at once.",
                {"model": model.near[0]} if model.near else None,
                *(() if model.near else ("pip install -U ultralytics",)),
            )
        if model.source == "download":
            return self.warn(
                f"{model.name} is not here: the trainer fetches it when it starts",
                f"Ultralytics lists no model of that name; did you mean {' or '.join(model.near)}?"
                if model.near
                else "On a machine without network the training ends there.",
                None,
                f"python -c \"from ultralytics import YOLO; YOLO('{model.name}')\"",
            )
        return self.ok(f"{model.name} ({'a file' if model.source == 'file' else 'comes with the trainer'})")
