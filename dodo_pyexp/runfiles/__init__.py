"""Run files: YAML files that start an experiment, in three dialects that are translated into the same experiments."""
