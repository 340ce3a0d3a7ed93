"""What pyexp calls a function with is right, or the function is refused when it is handed over."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path
from typing import Any

import pytest

import pyexp
from dodo_pyexp.errors import SignatureError
from dodo_pyexp.planning.signature import FUNCTION, REPORT, takes_nothing


def hands_on(fn: Any) -> Any:
    """A decorator that changes nothing."""

    @functools.wraps(fn)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    return inner


def gives_a_model(fn: Any) -> Any:
    """A decorator that gives an argument itself."""

    @functools.wraps(fn)
    def inner(cfg: Any) -> Any:
        return fn(cfg, "model")

    return inner


def gives_a_seed(fn: Any) -> Any:
    @functools.wraps(fn)
    def inner(cfg: Any, out: Any) -> Any:
        return fn(cfg, out, seed=3)

    return inner


class Callable1:
    def __call__(self, cfg: Any) -> None: ...


def cfg_only(cfg): ...
def with_out(cfg, out): ...
def all_three(cfg, out, deps): ...
def own_names(a, b): ...
def out_by_default(cfg, out=None): ...
def both_by_default(cfg, out=None, deps=()): ...
def deps_by_default(cfg, out, deps=None): ...
def own_default(cfg, verbose=False): ...
def own_default_first(cfg, verbose=False, out=None): ...
def config_by_default(cfg=None): ...
def keywords(cfg, *, debug=False, **more): ...


@hands_on
def handed_on(cfg, out): ...


@hands_on
@gives_a_model
def model_given(cfg, model): ...


@gives_a_seed
def seed_given(cfg, out, *, seed): ...


@pytest.mark.parametrize(
    ("fn", "count"),
    [
        (cfg_only, 1), (with_out, 2), (all_three, 3), (own_names, 2), (out_by_default, 2), (both_by_default, 3),
        (deps_by_default, 3), (own_default, 1), (config_by_default, 1), (keywords, 1),
        (handed_on, 2), (model_given, 1), (seed_given, 2), (Callable1(), 1), (functools.partial(all_three, deps=1), 2),
        (functools.partial(own_names, 1), 1),
    ],
)  # fmt: skip
def test_it_is_called_with_what_it_takes(fn: Any, count: int) -> None:
    assert FUNCTION.arity(fn) == count
    fn(*range(count))


async def coroutine(cfg): ...


def generator(cfg):
    yield 1


async def async_generator(cfg):
    yield 1


class AsyncCallable:
    async def __call__(self, cfg): ...


def any_arguments(*args): ...
def rest(cfg, *rest): ...


def hides(fn: Any) -> Any:
    """A decorator without `functools.wraps`."""
    return lambda *args: fn(*args)


def none(): ...
def four(a, b, c, d): ...
def must(cfg, *, seed): ...
def deps_second(cfg, deps): ...
def deps_second_by_default(cfg, deps=None): ...
def out_first(out, cfg): ...
def out_by_name(cfg, *, out=None): ...


@pytest.mark.parametrize(
    ("fn", "says"),
    [
        (coroutine, "coroutine is an async def, so calling it executes nothing; write a plain function"),
        (async_generator, "async_generator is an async def"),
        (AsyncCallable(), "AsyncCallable is an async def"),
        (functools.partial(coroutine), "is an async def"),
        (generator, "generator is a generator, because it has a yield, so calling it executes nothing"),
        (any_arguments, r"any_arguments takes \*args, which does not tell what it wants; name its parameters"),
        (rest, r"rest takes \*rest"),
        (hides(cfg_only), r"takes \*args.*functools\.wraps"),
        (none, "none takes 0 positional parameters"),
        (four, "four takes 4 positional parameters"),
        (must, r"must has a keyword parameter without a default \(seed\)"),
        (deps_second, r"deps_second has deps in another place than fn\(cfg\), fn\(cfg, out\) or fn\(cfg, out, deps\)"),
        (deps_second_by_default, "deps_second_by_default has deps in another place"),
        (own_default_first, "own_default_first has out in another place"),
        (out_first, "out_first has out in another place"),
        (out_by_name, "out_by_name has out in another place"),
    ],
)
def test_what_cannot_be_called_rightly_is_refused_when_decorated(fn: Any, says: str) -> None:
    with pytest.raises(SignatureError, match=rf"test_signature\.py:\d+: .*{says}"):
        pyexp.experiment(fn)


def test_reports_and_configs_are_looked_at_as_well() -> None:
    assert REPORT.arity(lambda results, out=None: None) == 2
    with pytest.raises(SignatureError, match="is an async def"):
        REPORT.arity(coroutine)

    async def configs(): ...

    with pytest.raises(SignatureError, match="is an async def"):
        takes_nothing(configs)
    takes_nothing(lambda: (yield {"name": "a"}))


def test_a_wrapper_that_runs_a_coroutine_is_right(here: Path) -> None:
    def awaited(fn: Any) -> Any:
        @functools.wraps(fn)
        def inner(*args: Any) -> Any:
            return asyncio.run(fn(*args))

        return inner

    @pyexp.experiment(executor="inline", stash=False)
    @awaited
    async def train(cfg: Any, out: Path) -> Any:
        return cfg.x + 1

    assert train.run(configs=[{"name": "a", "x": 1}])["a"].result == 2


def test_a_parameter_with_a_default_that_is_called_out_is_given_the_folder(here: Path) -> None:
    @pyexp.experiment(executor="inline", stash=False)
    def train(cfg: Any, out: Any = None) -> Any:
        return str(out)

    (result,) = train.run(configs=[{"name": "a"}])
    assert result.result == str(result.out)


def test_resources_as_a_section_of_the_users_own_is_noticed(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    @pyexp.experiment(executor="inline", stash=False)
    def train(cfg: Any) -> Any:
        return 1

    train.run(configs=[{"name": name, "resources": {"budget": 3}} for name in "ab"])
    told = 'resources in the configs of train has the key "budget"; this section says what a run asks of its machine'
    assert capfd.readouterr().err.count(told) == 1
    with pytest.raises(pyexp.PyexpError, match="if it is a section of your own, rename it"):
        train.run(configs=[{"name": "a", "resources": {"budget": "high"}}])
