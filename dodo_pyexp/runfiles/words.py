"""The words behind ``pyexp run``: options of ours, and overrides such as ``--model.width 64``."""

from __future__ import annotations

from argparse import Action
from collections.abc import Callable

from ..arguments import Parser
from ..building.loader import RUN_FILES
from ..errors import UsageError, nearest


def split_words(
    words: list[str], parser: Parser, is_key: Callable[[str, str], bool] = lambda file, name: False
) -> tuple[list[str], list[tuple[str, str]]]:
    """Tell options of the parser from overrides of the config, which stand behind the file.

    Parameters
    ----------
    words
        The command line.
    parser
        Knows the options.
    is_key
        Told the file and the name of an option that stands behind it; true if a key of the config is meant.

    Returns
    -------
    list of str, list of (str, str)
        What the parser is to read, and the overrides as keys and values.

    Raises
    ------
    UsageError
        An option before the file does not exist, or an override has no value.
    """
    flags = {flag: action for action in parser._actions for flag in action.option_strings}
    options: list[str] = []
    pairs: list[tuple[str, str]] = []
    file = ""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        flag, equals, value = word.partition("=")
        action = flags.get(flag)
        if not word.startswith("-") or word == "-":
            file = file or word
            options.append(word)
        elif action is None and not word.startswith("--") and word[:2] in flags:
            options.append(word)  # -j4
        elif action is not None and not (
            file and flag.startswith("--") and flag != "--debug" and is_key(file, flag[2:])
        ):
            options += _option(word, flag, equals, value, action, rest)
        elif not file or not flag.startswith("--") or not flag[2:]:
            raise UsageError(f'unknown argument "{word}"{nearest(flag, flags)}; see {parser.prog} --help')
        elif equals:
            pairs.append((flag[2:], value))
        elif rest:
            pairs.append((flag[2:], rest.pop(0)))
        else:
            raise UsageError(
                f"{word} has no value; as a key of the config it needs one, and there is no such option"
                f"{nearest(flag, flags)}"
            )
    return options, pairs


def _option(word: str, flag: str, equals: str, value: str, action: Action, rest: list[str]) -> list[str]:
    """Take an option with what belongs to it."""
    if equals or action.nargs == 0:
        return [word]
    if action.nargs == "?":
        follows = bool(rest) and not rest[0].startswith("-") and not rest[0].endswith(RUN_FILES)
        return [f"{flag}={rest.pop(0) if follows else action.const}"]
    count = action.nargs if isinstance(action.nargs, int) else 1
    taken, rest[:] = rest[:count], rest[count:]
    if count == 1 and taken:
        return [f"{flag}={taken[0]}"] if flag.startswith("--") else [flag, *taken]
    return [flag, *taken]
