"""Whether callbacks, and with them any recorder, reach the processes of a multi-GPU training.

What it does:
    For several devices, looks at the version of Ultralytics, and for cloudpickle.

Why it matters:
    The trainer starts one process for each GPU. Before 8.4.140 the callbacks stayed behind in the first: nothing was
    recorded, nothing stabilised, and no error said so. Since then cloudpickle carries them over.

How it decides:
    Bad before ``since`` (8.4.140); a warning if cloudpickle is older than ``cloudpickle`` (3.1.1) or missing, because
    the trainer then installs it from the network while it starts.

What to do:
    ``pip install -U ultralytics "cloudpickle>=3.1.1"``.

References:
    Ultralytics 8.4.190 utils/dist.py, generate_ddp_command; issues 1072, 6168, 16838; wheels compared to find the
    version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class RankCallbacks(Check):
    """Callbacks in the processes of several GPUs.

    Attributes:
        since: Version of Ultralytics from which callbacks are carried over.
        cloudpickle: Least version of cloudpickle that it asks for.
    """

    title: ClassVar[str] = "Callbacks in a multi-GPU training"

    since: tuple[int, ...] = (8, 4, 140)
    cloudpickle: tuple[int, ...] = (3, 1, 1)

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line for several devices."""
        version, machine = situation.trainer, situation.machine
        if situation.ranks < 2:
            return []
        if version is None:
            return self.unknown("could not tell whether callbacks reach all ranks: Ultralytics is not installed here")
        name = machine.versions["ultralytics"]
        if version < self.since:
            return self.bad(
                f"Ultralytics {name} on {situation.ranks} devices loses callbacks",
                "Nothing is recorded and nothing stabilised: the callbacks stay in the process that starts the others.",
                None,
                'pip install -U ultralytics "cloudpickle>=3.1.1"',
            )
        carrier = machine.version("cloudpickle")
        if carrier is None or carrier < self.cloudpickle:
            has = f"cloudpickle {machine.versions['cloudpickle']}" if carrier else "no cloudpickle"
            return self.warn(
                f"{has} for {situation.ranks} devices",
                "It carries callbacks to the ranks; without it the trainer tries to install it while it starts.",
                None,
                'pip install "cloudpickle>=3.1.1"',
            )
        return self.ok(f"Ultralytics {name} carries callbacks to {situation.ranks} ranks")
