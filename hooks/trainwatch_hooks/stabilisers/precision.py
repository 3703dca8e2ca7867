"""precision: under AMP the loss is computed in float32.

What it does:
    Predictions are cast to float32 before they enter the criterion, and autocast is off inside it: box decoding,
    assignment of targets, DFL and every other term. The network itself stays in half precision. Without AMP it does
    nothing. It also warns of GPUs whose half precision is known to give NaN.

Why it matters:
    The source keeps the DFL out of FP16 with a setting ``fp16_skip_layers``; no software has that. DFL's softmax is
    done in float32 by autocast anyway. What is not: the box decoding. Its product with the bins and the anchor points
    are FP16, in grid units, and FP16 has steps of 1/16 between 64 and 128 and of 1/8 between 128 and 256. At stride 8
    that is half a pixel from x = 512 on and a whole pixel from x = 1024 on, in a loss that is about fractions of a
    pixel. Above 65504 FP16 is infinite. BF16 has steps of 1/2 and 1 there: 4 and 8 pixels.

How it works:
    ``__call__`` of the criterion's class is wrapped, not the criterion, and given back when the last training that
    uses it lets go; validation takes the same way. Half-precision tensors in nested dicts, lists and tuples of the
    predictions are cast; gradients flow back through the cast. The batch is left as it is. One cast of the
    predictions per step is the cost (8400 x (64 + classes) values per image at 640 pixels).

    Criteria:
    detect, segment, pose, obb, classify, semantic, depth    one class each
    YOLO26, YOLOv10                                          one class around both branches; that one is wrapped
    YOLOE                                                    chosen at the first batch; both candidates are wrapped
    RT-DETR                                                  its model cuts the decoder's output up (no arithmetic),
                                                             then calls a criterion of its own: wrapped, too

Settings:
    amp_advice = true  warn of GPUs on the list of ``TROUBLE``, and of AMP that was asked for and is off

What it does not do:
    Overflow inside the network is not its matter. The last step of a head (masks' prototypes, depth) is as the network
    computed it. It cannot give back digits that the network's half-precision output never had. No GPU has been
    measured; the effect is shown with half-precision predictions on a CPU.

References:
    The seven techniques, 5. Ultralytics switches AMP off for the GPUs of the list by itself (its issues 1655, 7908 and
    17812). Micikevicius et al., Mixed precision training (2018): losses belong in float32.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final

from trainwatch_hooks.stabilisers.base import Control, Stabiliser

TROUBLE: Final = ("1660", "1650", "1630", "t400", "t550", "t600", "t1000", "t1200", "t2000", "k40m")
"""Model numbers of GPUs (Turing without tensor cores, Kepler) whose FP16 convolutions are known to return NaN."""


@dataclass(frozen=True, slots=True)
class Settings:
    """See the module's text."""

    amp_advice: bool = True


def single(value: Any) -> Any:
    """Return a structure with its half-precision tensors in float32; the very same object if there are none.

    Args:
        value: Tensor, or dict, list or tuple of such, nested at will; anything else is returned as it is.
    """
    import torch

    if isinstance(value, torch.Tensor):
        return value.float() if value.dtype in (torch.float16, torch.bfloat16) else value
    if isinstance(value, dict):
        cast: dict[Any, Any] = {k: single(v) for k, v in value.items()}
        return cast if any(cast[k] is not value[k] for k in cast) else value
    if isinstance(value, list | tuple):
        items = [single(v) for v in value]
        if all(a is b for a, b in zip(items, value, strict=True)):
            return value
        if hasattr(value, "_fields"):
            return type(value)(*items)
        return items if isinstance(value, list) else tuple(items)
    return value


def in_float32(call: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a criterion's ``__call__(self, predictions, batch, **more predictions)``.

    Args:
        call: The class' own.
    """

    @wraps(call)
    def wrapped(self: Any, preds: Any, *rest: Any, **more: Any) -> Any:
        import torch

        with torch.autocast(_device_type(preds) or "cpu", enabled=False):
            return call(self, single(preds), *rest, **single(more))

    return wrapped


def _device_type(value: Any) -> str | None:
    """Return the device type of the first tensor in a structure, None if there is none."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.device.type
    if isinstance(value, dict | list | tuple):
        inside = value.values() if isinstance(value, dict) else value
        return next((kind for item in inside if (kind := _device_type(item)) is not None), None)
    return None


def trouble(gpu: str) -> bool:
    """Whether a GPU is known for NaN in half precision, by its name.

    Args:
        gpu: Name as the driver gives it, e.g. ``NVIDIA GeForce GTX 1660 Ti``.
    """
    words = re.split(r"[^a-z0-9]+", gpu.lower())
    return any(word in TROUBLE for word in words)


def gpu_name(device: Any) -> str:
    """Return a GPU's name, empty for any other device."""
    if getattr(device, "type", None) != "cuda":
        return ""
    import torch

    return str(torch.cuda.get_device_name(device))


def advice(*, gpu: str, asked: Any, amp: bool) -> str:
    """Return what to say about AMP on this GPU, empty if nothing.

    Args:
        gpu: The GPU's name, empty without a GPU.
        asked: Ultralytics' argument ``amp``.
        amp: Whether AMP is on.
    """
    wanted = asked not in (False, None, "fp32")
    if not gpu or not wanted:
        return ""
    if amp and trouble(gpu):
        return f"half precision on {gpu} is known to give NaN losses or a score of zero; train with amp=False"
    if not amp:
        why = "it is known for NaN in half precision" if trouble(gpu) else "Ultralytics' check of AMP failed"
        return f"amp={asked} was asked for and is off on {gpu}: {why}; the training needs about twice the memory"
    return ""


@dataclass(slots=True)
class _Patch:
    """A criterion class whose ``__call__`` is wrapped.

    Attributes:
        own: Its own ``__call__``; None if it inherits one.
        users: The stabilisers that use it; one that a crashed training left behind vanishes with that training.
    """

    own: Any
    users: weakref.WeakSet[Precision] = field(default_factory=weakref.WeakSet)


_patches: dict[type, _Patch] = {}


def _put_on(kind: Any, user: Precision) -> None:
    if kind not in _patches:
        _patches[kind] = _Patch(vars(kind).get("__call__"))
        kind.__call__ = in_float32(kind.__call__)
    _patches[kind].users.add(user)


def _take_off(user: Precision) -> None:
    for kind, patch in list(_patches.items()):
        patch.users.discard(user)
        if not patch.users:
            if patch.own is None:
                del kind.__call__
            else:
                kind.__call__ = patch.own  # type: ignore[method-assign]
            del _patches[kind]


def criteria(model: Any) -> list[type]:
    """Return the classes of criterion that a model may use, the one that its batches meet first.

    Args:
        model: The bare Ultralytics model; its criterion is usually made at the first batch.
    """
    made = getattr(model, "criterion", None)
    found = [type(made if made is not None else model.init_criterion())]
    if type(model).__name__.startswith("YOLOE"):
        from ultralytics.utils import loss

        names = ("TVPSegmentLoss", "TVPDetectLoss", "E2ELoss")
        found += [kind for name in names if (kind := getattr(loss, name, None)) is not None]
    return list(dict.fromkeys(found))


class Precision(Stabiliser):
    """Wraps the criterion; see the module's text."""

    settings_type = Settings

    def setup(self, control: Control) -> None:
        """Wrap the criterion of a training with AMP."""
        trainer = control.trainer
        asked = getattr(trainer.args, "amp", None)
        if self.settings.amp_advice:
            gpu = gpu_name(trainer.device)
            said = advice(gpu=gpu, asked=asked, amp=bool(trainer.amp))
            if said:
                control.note("warning", f"precision: {said}", gpu=gpu, amp=bool(trainer.amp))
        if not trainer.amp:
            control.note("warning", "precision: inert, this training runs without amp, its loss is float32 already")
            return
        kinds = criteria(control.model)
        for kind in kinds:
            _put_on(kind, self)
        names = ", ".join(k.__name__ for k in kinds)
        control.note("intervention", f"the loss is computed in float32 ({names})", criteria=[k.__name__ for k in kinds])

    def teardown(self, control: Control) -> None:
        """Give the criterion back, unless another training still uses ours."""
        _take_off(self)
