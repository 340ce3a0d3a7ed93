"""Collections of configs and results: `Runs` (flat), `Tensor` (with a shape), and how they are searched."""
