"""Symbolic links in a snapshot: each leads to where it leads in the user's folder, or to the copy of that.

A snapshot lies elsewhere. A relative link that leaves the repository would lead to nothing there; an absolute one into
the repository would lead to code that goes on being edited.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

LINK = "120000"


def lead_links(root: str, copy: str, links: Iterable[str]) -> None:
    """Rewrite those links of a copy that have lost their way.

    Parameters
    ----------
    root
        The folder that was copied.
    copy
        The copy, which is whole.
    links
        Where they are, relative to both.
    """
    for place in links:
        link = os.path.join(copy, place)
        try:
            said = os.readlink(link)
        except OSError:  # git writes files instead of links where it was told to, or has to
            continue
        folder = os.path.dirname(place)
        if not os.path.isabs(said) and not _leaves(os.path.join(folder, said)):
            continue
        target = os.path.normpath(os.path.join(root, folder, said))
        real = os.path.join(os.path.realpath(os.path.dirname(target)), os.path.basename(target))
        there = os.path.relpath(real, root)
        if not _leaves(there) and os.path.lexists(os.path.join(copy, there)):
            target = os.path.relpath(there, folder or ".")
        if target != said:
            os.unlink(link)
            os.symlink(target, link)


def _leaves(path: str) -> bool:
    return os.path.normpath(path).split(os.sep)[0] == os.pardir
