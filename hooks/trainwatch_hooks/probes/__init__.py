"""One file per quantity: what it reads, in which columns and units, and what it costs per step."""
