"""One build on its way: its session and batches, and each run from its lock to its record."""
