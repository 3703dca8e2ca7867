"""One file per format that a run can be written in, for people who live there."""
