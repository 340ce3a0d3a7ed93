"""Previous batches, listed: what each build of an experiment was, and what became of its runs.

Implements: pyexp guide, "CLI Usage" (``--list``); docs/reference.md, "Command line" (``list --batches``).
"""

from __future__ import annotations

import sys
from typing import IO, Any

from ..colour import paint
from ..errors import DamagedFile
from ..printable import printable
from ..results.tally import CACHED, tally_of, total
from ..store.locks import at_work
from ..store.manifest import Manifest
from ..store.paths import ExperimentFolder
from ..store.status import FAILED, FINISHED


def batches_text(name: str, folder: ExperimentFolder, stream: IO[str] | None = None) -> str:
    """List the batches of an experiment, oldest first, with what became of their runs."""
    stream = stream or sys.stdout
    name = printable(name)
    lines = []
    told = batches(folder)
    width = max((len(batch["batch"]) for batch in told), default=0)
    for batch in told:
        stamp = f"{batch['batch']:<{width}}"
        if batch.get("damaged"):
            lines.append(f"{stamp}  {name} {paint('damaged', 'red', stream)}")
            continue
        counts, runs = batch["counts"], batch["total"]
        line = f"{stamp}  {name} [{printable(batch['host'])}] ({counts[FINISHED]}/{runs} runs)"
        title = batch.get("run_file", {}).get("title")
        line += f'  "{printable(title)}"' if isinstance(title, str) else ""
        rest = ", ".join(f"{count} {state}" for state, count in counts.items() if count and state != FINISHED)
        lines.append(line + (f"  {paint(rest, _colour(counts), stream)}" if rest else ""))
    return "\n".join(lines) or f"{name} has no batches yet."


def _colour(counts: dict[str, int]) -> str:
    if counts[FAILED]:
        return "red"
    return "cyan" if counts[CACHED] == sum(counts.values()) - counts[FINISHED] else "yellow"


def batches(folder: ExperimentFolder) -> list[dict[str, Any]]:
    """Tell of each batch its name, host and counts, oldest first; of a damaged one that it is damaged."""
    told: list[dict[str, Any]] = []
    for timestamp in folder.batch_names():
        try:
            manifest = Manifest.read(folder, timestamp)
            counts = tally_of(folder, manifest, at_work)
        except DamagedFile:
            told.append({"batch": timestamp, "damaged": True})
            continue
        about = {key: manifest.about.get(key) for key in ("start", "end")}
        if isinstance(manifest.about.get("run_file"), dict):  # title, description and so on
            about["run_file"] = manifest.about["run_file"]
        host = str(manifest.about.get("host", "?"))
        told.append({"batch": timestamp, "host": host, **about, "total": total(counts), "counts": counts})
    return told
