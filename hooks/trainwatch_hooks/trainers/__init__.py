"""One file per trainer: where its events are tapped, and nothing else."""
