"""Robust statistics on series: pure functions of arrays."""
