"""The command line of a process without the secrets on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...config.secret_keys import MASKED, secret_key
from .credentials import environment_secrets, mask_text


def mask_arguments(arguments: Sequence[str], known: Iterable[str] = ()) -> list[str]:
    """Mask the secrets of a command line.

    They may be written as `--token=X`, `--api-key X`, `a.password=X`, `--conf=a.password=X`, `--env TOKEN X`, or inside
    a value in YAML (`login={password: X}`); and they may be the value of an environment variable that the shell put in.

    Parameters
    ----------
    arguments
        The command line.
    known
        Secrets that are known from elsewhere.

    Examples
    --------
    >>> mask_arguments(["train.py", "--token", "abc", "-c", "login={user: ann, password: abc}"])
    ['train.py', '--token', '***', '-c', "login={user: ann, password: '***'}"]
    """
    known = sorted({*known, *environment_secrets()}, key=len, reverse=True)
    masked: list[str] = []
    hide_next = False
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if hide_next and not argument.startswith("--"):
            masked.append(MASKED)
            hide_next = False
            continue
        masked.append(_mask_argument(argument, known))
        is_name = before == "--env" or argument.startswith("-")
        hide_next = is_name and "=" not in argument and (_names_secret(argument) or argument == "--key")
    return masked


def _mask_argument(argument: str, known: Sequence[str]) -> str:
    """Mask the secrets in one word of a command line."""
    key, equals, value = argument.partition("=")
    if argument.lstrip().startswith(("{", "[")) and ":" in argument:
        from .yaml_text import mask_yaml  # YAML is slow to import, and few command lines hold any

        return mask_yaml(argument, known)
    if equals and "://" not in key:
        return f"{key}={MASKED if _names_secret(key) else _mask_argument(value, known)}"
    for secret in known:
        argument = argument.replace(secret, MASKED)
    return mask_text(argument)


def _names_secret(key: str) -> bool:
    """Tell whether the name of an option, or a short option with the name of a key behind it, names a secret."""
    return secret_key(key) or (key[:1] == "-" != key[1:2] and secret_key(key[2:]))
