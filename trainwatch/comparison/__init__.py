"""Two or more trainings side by side: what was changed, what became of the faults, and whether the change helped."""

from trainwatch.comparison.compare import compare
from trainwatch.comparison.member import Member

__all__ = ["Member", "compare"]
