"""The way to the head of a cluster: whether anybody answers there, and whether it asks for a token."""

from __future__ import annotations

import os
import socket

from ...errors import ExecutorError

ANSWER_SECONDS = 5.0
_QUESTION = "/ray.rpc.NodeInfoGcsService/GetClusterId"
_CLIENT_QUESTION = "/ray.rpc.RayletDriver/ClusterInfo"


def connects(address: str, seconds: float) -> bool:
    """Tell whether somebody takes a connection at ``host:port``."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), seconds):
            return True
    except (OSError, ValueError):
        return False


def reach(place: str, address: str) -> None:
    """Find out in time that there is nobody, or somebody who wants a token, as Ray would try for half a minute.

    Ray says its token to no address that it was given, unless ``RAY_AUTH_MODE`` has it so. A head on this very machine
    is one that ``auto`` would have led to, so it is told the token all the same.

    Parameters
    ----------
    place
        The ``host:port`` of the head, or of its client server.
    address
        The address as the user has it.

    Raises
    ------
    ExecutorError
        Nobody answers, or another machine asks for a token.
    """
    if not connects(place, ANSWER_SECONDS):
        raise ExecutorError(
            f'the executor "ray" found no cluster at {address}: nothing answers there; check the address, '
            "and that the head is running"
        )
    if "RAY_AUTH_MODE" in os.environ or not asks_for_token(place, client=address.startswith("ray://")):
        return
    if not is_here(place.rpartition(":")[0].strip("[]")):
        raise ExecutorError(
            f'the executor "ray" was not let into the cluster {address}, as its head asks for a token; set '
            "RAY_AUTH_MODE=token in the environment of the build, and see `ray get-auth-token`"
        )
    _use_token()


def asks_for_token(place: str, *, client: bool) -> bool:
    """Tell whether a head answers only those who say a token."""
    try:
        import grpc
    except ImportError:
        return False
    with grpc.insecure_channel(place) as channel:
        try:
            channel.unary_unary(_CLIENT_QUESTION if client else _QUESTION)(b"", timeout=ANSWER_SECONDS)
        except grpc.RpcError as error:
            return bool(error.code() is grpc.StatusCode.UNAUTHENTICATED)
    return False


def is_here(host: str) -> bool:
    """Tell whether a host is this machine: then a socket can be bound to its address."""
    try:
        kind, _, _, _, place = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0]
        with socket.socket(kind, socket.SOCK_DGRAM) as found:
            found.bind(place)
            return True
    except OSError:
        return False


def _use_token() -> None:
    """Let Ray say its token, if it has one."""
    try:
        from ray._private.authentication import authentication_token_setup as setup

        setup.maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
    except (ImportError, AttributeError, TypeError):  # another Ray
        os.environ["RAY_AUTH_MODE"] = "token"


def connection_hint(address: str | None) -> str:
    """Say what may help somebody whom Ray could not connect."""
    if address in (None, "local"):
        return "see the log files of Ray"
    if address == "auto":
        return 'start one with `ray start --head`, or use the executor "ray" without an address'
    if "RAY_AUTH_MODE" not in os.environ:
        return "if its head asks for a token, set RAY_AUTH_MODE=token, and see `ray get-auth-token`"
    return "the log files of Ray on its head may say more"
