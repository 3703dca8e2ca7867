"""``tests/bench/black_box/leak.py`` measures 200,000 steps; here are fewer."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

BENCH = Path(__file__).parents[1] / "bench" / "black_box" / "leak.py"


def test_twenty_thousand_steps_do_not_grow_it() -> None:
    spec = importlib.util.spec_from_file_location("leak", BENCH)
    assert spec is not None
    assert spec.loader is not None
    leak: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(leak)
    _, grown = leak.growth_bytes(20_000, rows_per_segment=200, warm=0.5)
    assert grown < 5e6
