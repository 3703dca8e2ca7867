from __future__ import annotations

from dataclasses import replace

from synthetic import make_analysis, make_finding

from trainwatch.reports.github import annotation, render


def test_one_line_per_finding_after_the_verdict() -> None:
    base = make_analysis("x")
    analysis = replace(
        base, findings=(make_finding("a", "critical"), make_finding("b", "warning"), make_finding("c", "info"))
    )
    lines = render(analysis).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::warning", "::notice"]
    assert "confidence 80 %25" in lines[1]


def test_a_run_cannot_give_commands() -> None:
    out = render(make_analysis("\n::stop-commands::x\r\n::add-mask::y, z: 100%"))
    assert all(line.startswith(("::error title=", "::warning title=", "::notice title=")) for line in out.splitlines())
    assert out.count("\n") == 2


def test_properties_and_data_are_escaped() -> None:
    assert annotation("error", "a: b, c%", "x: y,\nz%") == "::error title=a%3A b%2C c%25::x: y,%0Az%25"


def test_a_healthy_run_is_a_notice() -> None:
    base = make_analysis()
    healthy = replace(base, verdict=replace(base.verdict, status="healthy", cause=None), findings=())
    assert render(healthy).startswith("::notice ")
