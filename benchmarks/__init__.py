"""Benchmarks: what pyexp costs, as ratios to floors that are measured in the same minutes on the same machine."""
