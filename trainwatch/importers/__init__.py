"""One file per log format: ``sniff(path) -> float`` and ``load(path) -> Run``; see ``base.py``."""
