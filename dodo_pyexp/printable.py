"""Names and messages that others wrote, made fit to be printed: what a terminal would obey or not show is escaped."""

from __future__ import annotations

import os
import unicodedata

#: Characters that turn the direction of what follows; they can make one name look like another.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ESCAPED = frozenset(["Cc", "Cs", "Zl", "Zp"])


def printable(text: str, keep: str = "") -> str:
    r"""Write control characters (of terminals, of lines, of direction) as Python would; leave those in `keep`.

    Examples
    --------
    >>> printable("lr0.1"), printable("a\x1b[31mb\n")
    ('lr0.1', 'a\\x1b[31mb\\n')
    """
    if text.isprintable():
        return text
    return "".join(char if char in keep or not _is_control(char) else _escape(char) for char in text)


def printable_lines(text: str) -> str:
    """Do the same with a text of several lines."""
    return printable(text, keep="\n\t")


class TerminalText:
    r"""Bytes that others wrote, piece by piece, as they may be shown on a terminal.

    Colours stay, and so do the ends of lines, tabs, and the carriage returns of progress bars; other control sequences,
    which could change a title, the clipboard or what was written before, are escaped, as `less -R` does.

    Examples
    --------
    >>> text = TerminalText()
    >>> text.shown(b"\x1b[31mred\x1b[") + text.shown(b"0m \x1b]0;title\x07 \xff", ended=True)
    '\x1b[31mred\x1b[0m \\x1b]0;title\\x07 \\xff'
    """

    def __init__(self) -> None:
        import codecs

        self._decode = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode
        self._held = ""

    def shown(self, data: bytes, *, ended: bool = False) -> str:
        """Take more, and give what may be shown of it by now."""
        import re

        text = self._held + self._decode(data, ended)
        begun = None if ended else re.search(r"\x1b(?:\[[0-9;:]{0,40})?\Z", text[-50:])
        cut = len(text) - len(begun[0]) if begun else len(text)
        text, self._held = text[:cut], text[cut:]
        if text.isprintable():
            return text
        parts = re.split(r"(\x1b\[[0-9;:]{0,40}m)", text)
        return "".join(part if index % 2 else printable(part, keep="\n\t\r") for index, part in enumerate(parts))


def from_here(text: str) -> str:
    """Write paths below the current folder as they are written from here."""
    return text.replace(f" {os.getcwd()}/", " ")


def apart(one: str, other: str, longest: int) -> tuple[str, str]:
    """Shorten two texts so that what differs is seen: where their heads are the same, these give way.

    Examples
    --------
    >>> apart("0.1", "0.01", 20)
    ('0.1', '0.01')
    >>> apart("s3://bucket/a/long/way/to/train.csv", "s3://bucket/a/long/way/to/test.csv", 20)
    ('.../to/train.csv', '.../to/test.csv')
    """
    start = 0
    if max(len(one), len(other)) > longest:
        same = next(
            (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
        )
        room = max(4, longest // 2 - 3)
        start = max(0, min(same - 8, max(len(one), len(other)) - longest + 3)) if same > room else 0
    return _window(one, start, longest), _window(other, start, longest)


def _window(text: str, start: int, longest: int) -> str:
    text = f"...{text[start:]}" if start else text
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def duration(seconds: float) -> str:
    """Write a time span for people.

    Examples
    --------
    >>> duration(3.21), duration(125), duration(7300)
    ('3.2 s', '2 min 5 s', '2 h 1 min')
    """
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size_text(size: int) -> str:
    """Write a size for people.

    Examples
    --------
    >>> size_text(900), size_text(2_500_000)
    ('900 bytes', '2.5 MB')
    """
    if size < 1000:
        return f"{size} byte{'' if size == 1 else 's'}"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"


def _is_control(char: str) -> bool:
    return char in _TURNING or unicodedata.category(char) in _ESCAPED


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def width(text: str) -> int:
    """Count the columns that a terminal needs for `text`.

    Examples
    --------
    >>> width("lr0.1"), width("学習")
    (5, 4)
    """
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def pad(text: str, columns: int) -> str:
    """Fill `text` with spaces up to a number of columns."""
    return text + " " * (columns - width(text))


LONGEST_QUOTED = 120  # columns of what somebody wrote that are repeated in a message about it


def shorten(text: str, limit: int | None) -> str:
    """Cut the middle out of what is wider than `limit` columns; beginnings and ends tell names apart.

    Examples
    --------
    >>> shorten("train:a_very_long_name_seed0", 16)
    'train:a_…e_seed0'
    """
    if limit is None or width(text) <= limit:
        return text
    half = (limit - 1) // 2
    return f"{_cut(text, limit - 1 - half)}…{_cut(text[::-1], half)[::-1]}"


LONGEST_WORD = 300  # columns of a word that stands in no quotes; a path has to stay one
LONGEST_LINE = 1000  # columns of a message


def name_in_line(name: str) -> str:
    """Write a name into a line about it: printable, and no longer than a word may be."""
    return shorten(printable(name), LONGEST_WORD)


def shorten_words(message: str) -> str:
    """Shorten the words of a message, what stands in double quotes, and its lines, where these are too long to read."""
    import re

    message = re.sub(r'"[^"\n]*"', lambda found: f'"{shorten(found[0][1:-1], LONGEST_QUOTED)}"', message)
    message = re.sub(r"\S+", lambda found: shorten(found[0], LONGEST_WORD), message)
    return "\n".join(shorten(line, LONGEST_LINE) for line in message.split("\n"))


def _cut(text: str, limit: int) -> str:
    """Take as much of the beginning as has room."""
    end = used = 0
    for char in text:
        used += _columns(char)
        if used > limit:
            break
        end += 1
    return text[:end]
