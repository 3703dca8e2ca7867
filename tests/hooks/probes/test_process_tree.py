from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from trainwatch_hooks.probes import process_tree
from trainwatch_hooks.probes.process_tree import COLUMNS, ProcessTree


def test_children_count_and_shared_pages_only_once(tmp_path: Path) -> None:
    probe = ProcessTree(tmp_path)
    alone = probe()
    assert set(alone) <= set(COLUMNS)
    code = "x = bytearray(60_000_000); print('ready', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        both = probe()
        child.communicate(b"\n")
    assert both["tree_rss_bytes"] - alone["tree_rss_bytes"] > 50e6
    if "tree_pss_bytes" in both:
        assert both["tree_pss_bytes"] <= both["tree_rss_bytes"]
        assert both["tree_pss_bytes"] - alone["tree_pss_bytes"] > 50e6


def test_room(tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    row = ProcessTree(tmp_path)()
    assert abs(row["disk_free_bytes"] - found.f_bavail * found.f_frsize) < 1 << 30
    assert row["host_free_bytes"] > 1 << 20
    assert "disk_free_bytes" not in ProcessTree(tmp_path / "gone")()
    assert process_tree._pss(2**22 + 7) is None
