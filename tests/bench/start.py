"""What starting costs: ``python tests/bench/start.py --write``, cold processes measured one after the other.

Each command runs as a process of its own, interleaved with ``python -c "import pandas"``, because the machine is shared: the
ratio of the two says more than seconds. CPU is user and system time of the child.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _tables import renew

ROOT = Path(__file__).parents[2]
README = Path(__file__).with_name("ANALYSIS.md")
YARDSTICK = ("-c", "import pandas")
COMMANDS = {
    '`python -c "import pandas"`': YARDSTICK,
    "`python -c pass`": ("-c", "pass"),
    '`python -c "import numpy, pyarrow, click, yaml, rich.console"`': ("-c", "import numpy, pyarrow, click, yaml, rich.console"),
    "`trainwatch analyze sample_runs/unwatched` (a results.csv of 80 epochs)": ("-m", "trainwatch", "analyze", "sample_runs/unwatched"),
    "`trainwatch checks`": ("-m", "trainwatch", "checks"),
    "`trainwatch explain memory-creep`": ("-m", "trainwatch", "explain", "memory-creep"),
    "`trainwatch --help`": ("-m", "trainwatch", "--help"),
}  # fmt: skip


def once(arguments: tuple[str, ...], environment: dict[str, str]) -> tuple[float, float]:
    """Return wall and CPU seconds of one process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--write", action="store_true", help=f"write the table into {README.name}")
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as compiled:  # as in an installed package, modules are compiled once
        path = os.pathsep.join([str(ROOT), str(ROOT / "hooks")])
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONPYCACHEPREFIX": compiled, "OMP_NUM_THREADS": "1"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for arguments in COMMANDS.values():
            once(arguments, environment)
        for _ in range(options.repeats):
            for name, arguments in COMMANDS.items():
                found[name].append(once(arguments, environment))
    middle = {name: [statistics.median(v) for v in zip(*times, strict=True)] for name, times in found.items()}
    pandas = next(iter(middle.values()))[1]
    lines = ["| process | CPU | times `import pandas` | wall |", "|---|---|---|---|"]
    lines += [f"| {name} | {cpu:.2f} s | {cpu / pandas:.2f} | {wall:.2f} s |" for name, (wall, cpu) in middle.items()]
    table = "\n".join(lines)
    print(table)
    if options.write:
        renew(README, "start", table)


if __name__ == "__main__":
    main()
