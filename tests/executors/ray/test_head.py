"""Whether anybody answers where a cluster is said to be, and asks for a token. No Ray is needed for this."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dodo_pyexp.errors import ExecutorError
from dodo_pyexp.executors.ray import head as ray_head
from dodo_pyexp.executors.ray.head import asks_for_token, connection_hint, connects, is_here, reach


@pytest.fixture(autouse=True)
def no_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)


@pytest.fixture
def place() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_nobody_is_told_from_somebody(place):
    assert connects(place, 1.0)
    for nobody in ("127.0.0.1:1", "there.is.no.such.host.invalid:6379", "no port", ":", "127.0.0.1:99999"):
        assert not connects(nobody, 1.0)
    with pytest.raises(ExecutorError, match=r"found no cluster at ray://127\.0\.0\.1:1: nothing answers"):
        reach("127.0.0.1:1", "ray://127.0.0.1:1")


def test_this_machine_is_told_from_others():
    assert is_here("127.0.0.1") and is_here("localhost")
    assert not is_here("203.0.113.9") and not is_here("there.is.no.such.host.invalid")


def test_a_head_elsewhere_that_asks_for_a_token_is_told_at_once_and_gets_none(place, monkeypatch):
    monkeypatch.setattr(ray_head, "asks_for_token", lambda place, client: True)
    monkeypatch.setattr(ray_head, "is_here", lambda host: False)
    with pytest.raises(ExecutorError, match="asks for a token; set RAY_AUTH_MODE=token"):
        reach(place, place)
    assert "RAY_AUTH_MODE" not in os.environ


def test_whoever_has_said_whether_there_is_a_token_is_not_contradicted(place, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setattr(ray_head, "asks_for_token", lambda place, client: pytest.fail("nobody asked"))
    reach(place, place)
    assert os.environ["RAY_AUTH_MODE"] == "disabled"


@pytest.mark.parametrize("code, asks", [("UNAUTHENTICATED", True), ("UNIMPLEMENTED", False), (None, False)])
def test_a_head_that_asks_for_a_token_is_found_out(code, asks):
    grpc = pytest.importorskip("grpc", reason="comes with Ray's client")

    class Head(grpc.GenericRpcHandler):
        def service(self, call):
            return grpc.unary_unary_rpc_method_handler(self.answer)

        def answer(self, request, context):
            if code is not None:
                context.abort(getattr(grpc.StatusCode, code), "no")
            return b""

    server = grpc.server(ThreadPoolExecutor(1), handlers=[Head()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        assert asks_for_token(f"127.0.0.1:{port}", client=False) is asks
        assert asks_for_token(f"127.0.0.1:{port}", client=True) is asks
    finally:
        server.stop(None)


def test_the_hint_fits_the_address(monkeypatch):
    assert "ray start --head" in connection_hint("auto")
    assert "RAY_AUTH_MODE=token" in connection_hint("ray://head:10001")
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    assert "log files" in connection_hint("ray://head:10001") and "log files" in connection_hint("local")
