"""copy_paste by the size of the model, where the labels let it act.

What it changes:
    ``copy_paste`` to the value for the model's scale; where labels are boxes, on which it silently does nothing,
    ``mixup`` instead; and ``mosaic`` to 0.8 where it had been switched off.

Why it works:
    Pasted objects are new training examples in new surroundings. In Ultralytics it needs the objects' polygons: with
    box labels the transform returns at once.

When it is given:
    The validation score stands still while the training loss falls.

What to expect:
    Training loss rises, validation score rises within a tenth of the run. If the validation score falls, the pasted
    objects hide real ones: halve it.

References:
    Scale n 0.1, s 0.15, m 0.4, l 0.5, x 0.6: README of the YOLOv12 authors (600-epoch recipe). The article on seven
    techniques caps it at 0.2, for artefacts. Ultralytics 8.4 data/augment.py: CopyPaste returns without segments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from trainwatch.advice._arguments import answered, copy_paste_by_scale, number, raised
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation


@dataclass(frozen=True)
class SetCopyPaste(Advice):
    """More variety for a model that has memorised its images.

    Attributes:
        by_scale: copy_paste for each model scale.
        unknown_scale: copy_paste where the scale is not known: the smallest.
        mixup: What box labels get instead.
        mosaic: Mosaic where it was off.
        article_cap: What the article on seven techniques allows at most.
    """

    title: ClassVar[str] = "copy_paste by model scale"
    answers: ClassVar[tuple[str, ...]] = ("plateau",)

    by_scale: Mapping[str, float] = field(default_factory=copy_paste_by_scale)
    unknown_scale: float = 0.1
    mixup: float = 0.1
    mosaic: float = 0.8
    article_cap: float = 0.2

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return copy_paste, or what works on boxes."""
        found = answered(findings, self.answers)
        if not found or context.trainer != "ultralytics" or found[0].detail.get("training_loss_falls") is False:
            return None
        wanted = self.by_scale.get(context.model_scale or "", self.unknown_scale)
        polygons = context.labels_have_polygons
        steps: tuple[str, ...] = ()
        changes: list[Change] = []
        if polygons is False:
            why = (
                "The labels are boxes, and on boxes copy_paste silently does nothing: it needs polygons. mixup and mosaic "
                "work on boxes."
            )
            changes += raised(context, "mixup", self.mixup)
        else:
            cap = (
                f"; the article on seven techniques allows {self.article_cap} at most"
                if wanted > self.article_cap
                else ""
            )
            scale = (
                f"for scale {context.model_scale}"
                if context.model_scale
                else "for an unknown scale, the smallest value"
            )
            why = f"copy_paste={wanted} is the YOLOv12 authors' value {scale}{cap}."
            changes += raised(context, "copy_paste", wanted)
            if polygons is None:
                steps = (
                    "Look into a label file: more than five numbers a line are polygons. With five (boxes) copy_paste does "
                    f"nothing; use mixup={self.mixup} instead.",
                )
        if (number(context.args, "mosaic") or 0.0) < 0.5:
            changes += raised(context, "mosaic", self.mosaic)
        if not changes:
            return None
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=tuple(changes),
            why=f"The training loss falls while the validation score stands still: the model needs other images. {why}",
            expected=(
                "The training loss rises, the validation score follows within a tenth of the run. Wrong if the "
                "validation score falls: halve the value."
            ),
            confidence=0.6 if polygons else 0.45 if polygons is None else 0.5,
            sources=(
                "README of the YOLOv12 authors: copy_paste per scale",
                "article on seven techniques: 0.1 (n), above 0.2 artefacts",
                "Ultralytics 8.4 data/augment.py: CopyPaste needs segments",
            ),
            steps=steps,
        )
