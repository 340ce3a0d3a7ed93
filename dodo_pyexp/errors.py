"""Mistakes of the user's, each told in one sentence: what, where, and what to do.

Every class also derives from the built-in exception a Python programmer would expect, so that
``except ValueError`` keeps working. Anything that is *not* a `PyexpError` is a bug of ours.
"""

from __future__ import annotations

from collections.abc import Iterable


class PyexpError(Exception):
    """A mistake that the user can mend; shown as one sentence, without a traceback."""

    exit_code = 2


class ConfigError(PyexpError, ValueError):
    """A config, a name, a sweep or a configuration file is wrong."""


class ConfigTypeError(PyexpError, TypeError):
    """A config holds a value that cannot be hashed and saved, or something has the wrong type."""


class ReservedKeyError(PyexpError, AssertionError):
    """A config uses a key that pyexp fills in itself (`out`)."""


class DependencyError(PyexpError, ValueError):
    """`depends_on` matches nothing, or goes in a circle."""


class SignatureError(PyexpError, TypeError):
    """The experiment function takes a number of parameters that pyexp cannot call."""


class UsageError(PyexpError, RuntimeError):
    """A call or a command line that makes no sense here (nothing to run, an unknown batch...)."""


class ExecutorError(PyexpError, ValueError):
    """An unknown executor, or one that cannot work on this machine."""


class MissingExtra(ExecutorError, RuntimeError):
    """A package that pyexp only needs for this is not installed; the message has the command that installs it."""


class LookupFailed(PyexpError, IndexError):
    """Nothing in a collection matches an index, a name or a query."""


class MissingFile(PyexpError, FileNotFoundError):
    """A file or a folder that was named does not exist."""


class DamagedFile(PyexpError, ValueError):
    """A file of pyexp's own cannot be read back."""


def nearest(word: str, choices: Iterable[str], limit: int = 3) -> str:
    """Give `` (did you mean "x"?)`` for the choices nearest to `word`, or nothing.

    Examples
    --------
    >>> nearest("learning_rat", ["learning_rate", "epochs"])
    ' (did you mean "learning_rate"?)'
    """
    from difflib import get_close_matches

    close = get_close_matches(word, list(choices), n=limit, cutoff=0.6)
    if not close:
        return ""
    quoted = " or ".join('"' + name + '"' for name in close)
    return f" (did you mean {quoted}?)"
