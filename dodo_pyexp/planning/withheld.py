"""What a manifest withholds of its configs: their secrets; and the configs with these again.

Implements: docs/files-on-disk.md (a manifest).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config.config import Config
from ..config.secret_keys import SecretKeys
from ..errors import UsageError
from ..provenance.secrets.holes import Path, masked_paths
from ..provenance.secrets.masking import Masker
from ..provenance.secrets.refill import asked_keys, filled, missing_secrets
from ..store import manifest as manifests
from ..store.manifest import Manifest


def withheld(manifest: Manifest | None, run: str, kept: Config) -> list[Path]:
    """Find what was masked of the config of a run, a folder's name, as it was written down."""
    about = {} if manifest is None else manifest.about
    told, hashes = about.get(manifests.MASKED), about.get(manifests.HASHES)
    if isinstance(told, dict):
        return masked_paths(kept, told)
    # Written before it was on record what was masked: of a config that has a hash of its own, something was.
    return masked_paths(kept, everything=isinstance(hashes, dict) and run in hashes)


def kinds_of(manifest: Manifest | None) -> dict[str, str]:
    """Give the types of what was masked, by dotted keys."""
    told = None if manifest is None else manifest.about.get(manifests.MASKED)
    return {key: str(kind) for key, kind in told.items()} if isinstance(told, dict) else {}


def masker_of(manifest: Manifest | None) -> Masker:
    """Give what masks a config as it was masked before: which keys are secret, the experiment may have said."""
    keys = (".".join(part for part in key.split(".") if not part.isdigit()) for key in kinds_of(manifest))
    return Masker(keys=SecretKeys(secret=[key for key in keys if key]))


def may_repeat(manifest: Manifest | None, run: str) -> bool:
    """Tell whether something in the config of a run was masked for another reason than its key, as what repeats one."""
    about = {} if manifest is None else manifest.about
    hashes = about.get(manifests.HASHES)
    return not isinstance(about.get(manifests.MASKED), dict) or (isinstance(hashes, dict) and run in hashes)


def given_again(
    kept: Config,
    paths: list[Path],
    *sources: Mapping[str, Any],
    kinds: Mapping[str, str],
    label: str,
    where: str,
    option: str = "",
    repeats: bool = True,
) -> Config:
    """Give a config with its secrets, from other configs or the environment.

    Parameters
    ----------
    kept
        The config as it was written down.
    paths
        What was masked of it.
    sources
        Configs that may hold the secrets.
    kinds
        Of which types they were.
    label
        Whose config it is, for a message.
    where
        Where its secrets are not, for a message.
    option
        How the command line may give one, with ``{}`` for the key.
    repeats
        Some of it may only repeat another secret.

    Raises
    ------
    UsageError
        A secret is nowhere.
    """
    config, left = filled(kept, paths, *sources, kinds=kinds)
    if left:
        what, way = missing_secrets(asked_keys(kept, left, repeats=repeats), option)
        raise UsageError(f"the config of {label} had {what} {where}; {way}")
    return config
