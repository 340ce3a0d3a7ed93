"""Configs: what a run is made with. Each module holds one noun; import from the module that has it."""
