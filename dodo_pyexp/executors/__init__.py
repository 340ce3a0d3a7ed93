"""How a run is executed: inline, in a fresh interpreter, in a fork, or wherever a custom executor takes it."""
