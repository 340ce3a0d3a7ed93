"""`Channel`: messages between a Ray worker, its fork server and the forks."""

from __future__ import annotations

import os

from ...results.pickling import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Channel:
    """Messages through a descriptor, each with its length in front."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def send(self, message: Any) -> None:
        """Send a message."""
        data = dumps(message)
        data = len(data).to_bytes(8, "little") + data
        while data:
            data = data[os.write(self.fd, data) :]

    def receive(self) -> Any:
        """Wait for a message; None when there will be no more."""
        data = self.receive_packed()
        return None if data is None else loads(data)

    def receive_packed(self) -> bytes | None:
        """Wait for a message, and leave it to somebody else to unpack it."""
        size = self._read(8)
        return None if size is None else self._read(int.from_bytes(size, "little"))

    def _read(self, size: int) -> bytes | None:
        parts: list[bytes] = []
        while size:
            try:
                part = os.read(self.fd, min(size, 1 << 20))
            except ConnectionResetError:
                return None
            if not part:
                return None
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
