"""What the files in the folder of a launch are called, as Expyrun has it."""

LOG, ENGINE_LOG = "outputs.log", "log.out"
ORIGINALS = "original_configs"
CONFIG, RAW_CONFIG, REQUIREMENTS = "config.yml", "raw_config.yml", "frozen_requirements.txt"


def is_own(path: str) -> bool:
    """Tell whether a file in the folder of a launch was written by pyexp, and not by what was launched."""
    return path in (LOG, CONFIG, RAW_CONFIG, REQUIREMENTS) or path.startswith(f"{ORIGINALS}/")
