"""Mistakes of the user's, each told in one sentence: what, where, and what to do; and what programs end with.

Every class also derives from the built-in exception a Python programmer would expect, so that
``except ValueError`` keeps working. Anything that is *not* a `PyexpError` is a bug of ours.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


#: The exit statuses of every program that builds.
DONE, SOME_FAILED, WRONG_USAGE, WORK_TO_DO, INTERRUPTED = 0, 1, 2, 3, 130


_LONG = 300  # characters; what a message repeats of a user's words is looked at in one that is longer


class PyexpError(Exception):
    """A mistake that the user can mend; shown as one sentence, without a traceback.

    Whatever a message repeats (a word that was typed, a value, a name) is shortened in it where it would fill the
    screen.
    """

    exit_code = WRONG_USAGE

    def __init__(self, message: str = "") -> None:
        super().__init__(readable(message))


class ConfigError(PyexpError, ValueError):
    """A config, a name, a sweep or a configuration file is wrong."""


class ConfigTypeError(PyexpError, TypeError):
    """A config holds a value that cannot be hashed and saved, or something has the wrong type."""


class ReservedKeyError(PyexpError, AssertionError):
    """A config uses a key that pyexp fills in itself (`out`)."""


class DependencyError(PyexpError, ValueError):
    """`depends_on` matches nothing, or goes in a circle."""


class InputError(PyexpError, ValueError):
    """A file or folder that a run is declared to read is not there, or cannot be read."""


class SignatureError(PyexpError, TypeError):
    """The experiment function takes a number of parameters that pyexp cannot call."""


class ArgumentError(PyexpError, TypeError):
    """A function of pyexp's was called with an argument that it does not have, or in a way that makes no sense."""


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


class DamagedResult(DamagedFile):
    """What a run gave back is not what was written: its file has been changed since.

    Parameters
    ----------
    message
        The sentence.
    attempt
        Path of the attempt, for whoever can have the run executed again.
    """

    def __init__(self, message: str, attempt: str = "") -> None:
        super().__init__(message)
        self.attempt = attempt


def damaged_attempt(error: BaseException | None) -> str | None:
    """Give the attempt whose damaged result led to an exception, if that was the cause."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, DamagedResult):
            return error.attempt or None
        seen.add(id(error))
        try:
            error = error.__cause__ or error.__context__
        except Exception:  # an exception whose own code raises
            break
    return None


def readable(message: str) -> str:
    """Shorten what a message repeats, where that is so long that nobody would find the message in it.

    Examples
    --------
    >>> len(readable(f'there is no run "{"x" * 10_000}" in out')) < 150
    True
    """
    if len(message) <= _LONG:
        return message
    from .printable import shorten_words

    return shorten_words(message)


_said: set[str] = set()


def warn(message: str) -> None:
    """Say on stderr what the user should know and what stops nothing: one line, once a process."""
    message = readable(message)
    if message not in _said:
        from .printable import printable_lines

        _said.add(message)
        print(f"warning: {printable_lines(message)}", file=sys.stderr, flush=True)


NEAR = 0.6  # how much of two words must be the same for one to be a misspelling of the other


def current_folder() -> str:
    """Give the folder that this process is in.

    Raises
    ------
    UsageError
        It was deleted, and perhaps made anew.
    """
    try:
        return os.getcwd()
    except FileNotFoundError:
        message = "the current folder is gone: it was deleted, or another one took its place; cd to it again"
        raise UsageError(message) from None


def nearest(word: str, choices: Iterable[str], limit: int = 3) -> str:
    """Give `` (did you mean "x"?)`` for the choices nearest to `word`, or nothing.

    Examples
    --------
    >>> nearest("learning_rat", ["learning_rate", "epochs"])
    ' (did you mean "learning_rate"?)'
    """
    from difflib import SequenceMatcher, get_close_matches

    def is_near(choice: str) -> bool:
        # "--nope" is not near "--code", nor "nope.yml" "tab.yml": what they have in common is not what was misspelled
        own, theirs = _without_frame(word, choice)
        return SequenceMatcher(None, own, theirs).ratio() >= NEAR

    close = [choice for choice in get_close_matches(word, list(choices), n=limit, cutoff=NEAR) if is_near(choice)]
    if not close:
        return ""
    quoted = " or ".join('"' + name + '"' for name in close)
    return f" (did you mean {quoted}?)"


def _without_frame(one: str, other: str) -> tuple[str, str]:
    """Take from two words the dashes before them, and the ending of a file if it is the same."""
    one, other = one.lstrip("-"), other.lstrip("-")
    ending = one[one.rfind(".") :] if "." in one else ""
    if ending[1:].isalpha() and other.endswith(ending):
        return one.removesuffix(ending), other.removesuffix(ending)
    return one, other


def suggest(word: str, choices: Iterable[str], limit: int = 5) -> str:
    """Give the choices nearest to `word`; where none is near, the first few that there are.

    Examples
    --------
    >>> suggest("nope", ["learning_rate", "epochs"])
    '; there are "learning_rate", "epochs"'
    """
    names = list(dict.fromkeys(choices))
    near = nearest(word, names)
    if near or not names:
        return near
    listing = ", ".join('"' + (name if len(name) <= 60 else f"{name[:57]}...") + '"' for name in names[:limit])
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"; there {'is' if len(names) == 1 else 'are'} {listing}{rest}"


def ambiguous(word: str, names: list[str], what: str = "runs") -> UsageError:
    """Make the error for a word that means several things where one is asked for.

    Examples
    --------
    >>> print(ambiguous("base", ["train:base", "test:base"]))
    "base" names 2 runs: train:base, test:base; write one of these
    """
    rest = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return UsageError(f'"{word}" names {len(names)} {what}: {", ".join(names[:5])}{rest}; write one of these')
