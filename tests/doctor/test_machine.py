from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainwatch.doctor import _machine
from trainwatch.doctor._machine import (
    capability_of,
    cuda_devices,
    look_at_machine,
    parse_smi,
    torch_cuda,
    versions,
    visible_devices,
)


def test_this_machine(tmp_path: Path) -> None:
    here = look_at_machine(tmp_path / "runs" / "not yet", tmp_path)
    assert here.cpu_count == os.cpu_count()
    assert here.cpu_usable is not None
    assert 0 < here.cpu_usable <= (here.cpu_count or 0)
    assert here.memory_limit_bytes is not None
    assert here.memory_available_bytes is not None
    assert 0 < here.memory_available_bytes <= here.memory_limit_bytes
    assert here.disk_free_bytes
    assert here.disk_path == str(tmp_path), "the nearest folder that exists"
    assert here.same_disk
    assert here.versions["python"]
    assert set(here.environment) <= set(_machine.VARIABLES)
    if here.system == "Linux":
        assert here.shm_total_bytes


def test_versions_and_build_of_torch() -> None:
    torch = pytest.importorskip("torch")
    assert versions()["torch"] == torch.__version__.split("+")[0] or versions()["torch"] == torch.__version__
    assert torch_cuda() == (torch.version.cuda or "")


@pytest.mark.parametrize(
    ("text", "built"),
    [("cuda: Optional[str] = '13.0'\nhip = None\n", "13.0"), ("cuda = None\nhip = None\n", ""), ("cuda = None\nhip = '6.2'\n", "rocm")],
)  # fmt: skip
def test_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, built: str) -> None:
    (tmp_path / "version.py").write_text(text)
    monkeypatch.setattr(_machine, "package_folder", lambda name: tmp_path)
    assert torch_cuda() == built
    monkeypatch.setattr(_machine, "package_folder", lambda name: None)
    assert torch_cuda() is None


def test_the_drivers_table() -> None:
    new = "Tesla T4, 15360, 14900, 7.5\nNVIDIA H100 80GB HBM3, 81559, 81000, 9.0\n"
    t4, h100 = parse_smi(new)
    assert (t4.name, t4.total_bytes, t4.free_bytes, t4.capability, t4.sm) == (
        "Tesla T4",
        15360 << 20,
        14900 << 20,
        (7, 5),
        "sm_75",
    )
    assert h100.capability == (9, 0)
    old = parse_smi("Tesla V100-SXM2-16GB, 16160, 16000\n\nnonsense\n")
    assert [g.capability for g in old] == [(7, 0)], "an old driver does not tell; the name does"
    assert parse_smi("New Card, [N/A], [N/A], [N/A]\n")[0].capability is None


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("Tesla T4", (7, 5)), ("NVIDIA GeForce GTX 1660 Ti", (7, 5)), ("NVIDIA GeForce RTX 2080 Ti", (7, 5)), ("NVIDIA A10", (8, 6)),
        ("NVIDIA A100-SXM4-40GB", (8, 0)), ("NVIDIA GeForce RTX 4090", (8, 9)), ("NVIDIA H100 PCIe", (9, 0)), ("NVIDIA L4", (8, 9)),
        ("NVIDIA RTX A6000", (8, 6)), ("Tesla P100-PCIE-16GB", (6, 0)), ("NVIDIA GeForce GTX 1080", (6, 1)), ("NVIDIA B200", (10, 0)),
        ("NVIDIA GeForce RTX 5090", (12, 0)), ("Quadro T1000", (7, 5)), ("Unheard-of", None),
    ],
)  # fmt: skip
def test_generations(name: str, capability: tuple[int, int] | None) -> None:
    assert capability_of(name) == capability


def test_visible_devices() -> None:
    gpus = parse_smi("A, 1, 1, 8.0\nB, 1, 1, 8.0\nC, 1, 1, 8.0\n")
    names = lambda variable: [g.name for g in visible_devices(gpus, variable)]  # noqa: E731
    assert names(None) == ["A", "B", "C"]
    assert names("2,0") == ["C", "A"]
    assert names("") == names("-1") == []
    assert names("1,9,0") == ["B"], "CUDA stops at the first that does not exist"
    assert names("GPU-8932f937") == ["A", "B", "C"]


def fake_smi(folder: Path, script: str) -> None:
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for the driver's tool")
def test_asking_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    fake_smi(tmp_path, 'echo "Tesla T4, 15360, 15000, 7.5"')
    gpus, note = cuda_devices()
    assert gpus is not None
    assert [g.sm for g in gpus] == ["sm_75"]
    assert note == "nvidia-smi"
    # A driver that does not know the field compute_cap.
    fake_smi(
        tmp_path, 'case "$1" in *compute_cap*) echo "Field is not valid"; exit 2;; esac; echo "Tesla T4, 15360, 15000"'
    )
    gpus, _ = cuda_devices()
    assert gpus is not None
    assert gpus[0].capability == (7, 5)
    fake_smi(tmp_path, 'echo "NVIDIA-SMI has failed" >&2; exit 9')
    gpus, note = cuda_devices()
    assert gpus is None
    assert "has failed" in note
    fake_smi(tmp_path, "sleep 5")
    monkeypatch.setattr(_machine, "SMI_TIMEOUT_S", 0.2)
    gpus, note = cuda_devices()
    assert gpus is None
    assert "did not answer" in note


def test_no_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    gpus, note = cuda_devices()
    assert gpus == () or (gpus is None and "PATH" in note)
