from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trainwatch.doctor._arguments import check_arguments, parse_words, with_file
from trainwatch.doctor._installed import Installed, find_installed
from trainwatch.errors import BadArgument


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["epochs=600", "lr0=1e-3"], {"epochs": 600, "lr0": 0.001}),
        (["--epochs", "600", "--batch", "-1", "--cos-lr=true"], {"epochs": 600, "batch": -1, "cos_lr": True}),
        (["device=0,1"], {"device": (0, 1)}),
        (["device=[0, 1]", "cache=ram", "time=None"], {"device": [0, 1], "cache": "ram", "time": None}),
        (["yolo", "segment", "train", "data=a=b.yaml"], {"task": "segment", "data": "a=b.yaml"}),
        (["resume", "model=last.pt"], {"resume": True, "model": "last.pt"}),
        ([], {}),
    ],
)
def test_words(words: list[str], expected: dict[str, Any]) -> None:
    assert parse_words(words) == expected


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("trian", "did you mean train?"), ("segmnet", "did you mean segment?"), ("resmue", "did you mean resume?"),
        ("yolo12n.pt", "did you mean model=yolo12n.pt?"), ("yolo12n.yaml", "did you mean model=yolo12n.yaml?"),
        ("coco8.yaml", "did you mean data=coco8.yaml?"), ("nonsense", "write key=value or --key value"),
    ],
)  # fmt: skip
def test_a_bare_word_is_guessed(word: str, meant: str) -> None:
    with pytest.raises(BadArgument, match="is no argument") as error:
        parse_words([word, "data=x.yaml"])
    assert str(error.value).endswith(meant)


@pytest.mark.parametrize("words", [["nonsense"], ["--epochs"], ["--epochs", "--batch"], ["=3"], ["epochs="]])
def test_words_that_say_nothing(words: list[str]) -> None:
    with pytest.raises(BadArgument):
        parse_words(words)


def test_a_file_of_arguments_lies_below_what_is_given(tmp_path: Path) -> None:
    file = tmp_path / "cfg.yaml"
    file.write_text("epochs: 600\nlr0: 0.02\n")
    assert with_file({"cfg": str(file), "lr0": 0.01}) == {"epochs": 600, "lr0": 0.01}
    assert with_file({"lr0": 0.01}) == {"lr0": 0.01}


@pytest.mark.parametrize("content", [b"a: [", b"- 1\n", b"\xff\xfe\x00", None])
def test_a_file_that_holds_none(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "cfg.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadArgument, match=r"cfg\.yaml") as caught:
        with_file({"cfg": str(file)})
    assert "\n" not in str(caught.value)


class TestAgainstTheTrainer:
    """What the trainer refuses is refused here, what it takes is taken."""

    TRIED = (
        ("epochs", 600), ("epochs", 1e2), ("epochs", 1.5), ("epochs", 0), ("epochs", "many"), ("epochs", None),
        ("lr0", 0.01), ("lr0", 2), ("lr0", "high"), ("mosaic", 0.8), ("mosaic", 1.2), ("degrees", 400.0), ("degrees", "x"),
        ("cos_lr", True), ("cos_lr", 1), ("amp", "bf16"), ("amp", "fp8"), ("amp", None), ("accumulate", 4),
        ("mosaic_prob", 0.8), ("restart_epoch", 300), ("fp16_skip_layers", "dfl"), ("nbs", 0), ("nbs", 256),
        ("fraction", 0.5), ("fraction", 100), ("save_dir", "x"), ("patience", -1), ("workers", 2.5), ("time", None),
        ("lr", 0.01), ("fraction", "half"), ("batch", -1), ("batch", 0.7),
    )  # fmt: skip

    @pytest.mark.parametrize(("name", "value"), TRIED)
    def test_same_answer(self, name: str, value: Any) -> None:
        cfg = pytest.importorskip("ultralytics.cfg")
        try:
            cfg.get_cfg(overrides={name: value})
            taken = True
        except (SyntaxError, TypeError, ValueError):
            taken = False
        if taken:
            check_arguments({name: value}, find_installed())
        else:
            with pytest.raises(BadArgument) as caught:
                check_arguments({name: value}, find_installed())
            assert "\n" not in str(caught.value)

    def test_a_close_match(self) -> None:
        pytest.importorskip("ultralytics")
        with pytest.raises(BadArgument, match="epochs"):
            check_arguments({"epocs": 3}, find_installed())
        with pytest.raises(BadArgument, match="nbs=256"):
            check_arguments({"batch": 64, "accumulate": 4}, find_installed())


def test_without_a_trainer_nothing_is_refused() -> None:
    check_arguments({"whatever": 3}, Installed())
