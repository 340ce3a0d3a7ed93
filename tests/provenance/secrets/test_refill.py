from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.encode import dumps_config
from dodo_pyexp.config.secret_keys import SecretKeys
from dodo_pyexp.provenance.secrets.holes import masked_keys, masked_kinds, masked_paths
from dodo_pyexp.provenance.secrets.masking import Masker
from dodo_pyexp.provenance.secrets.refill import asked_keys, filled, variables

SECRET = Config(
    name="a", lr=0.1, api_token="planted", wandb={"password": 12345, "project": "mine"}, sizes=(1, 2),
    url="https://ann:planted@example.org", pads=[{"eos_token": "</s>", "secret": "planted"}], keys=None,
)  # fmt: skip


def again(kept: Config, config: Config, *sources: Any) -> tuple[Config, list[Any]]:
    return filled(kept, masked_paths(kept, masked_keys(kept, config)), *sources)


@pytest.mark.parametrize("source", [SECRET, {**SECRET, "lr": 7}])
def test_another_config_gives_the_secrets_back(source: Any) -> None:
    assert again(Masker().config(SECRET), SECRET, {}, source) == (SECRET, [])


def test_the_environment_gives_texts_where_no_config_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(name="a", wandb={"api_key": "planted", "password": 12})
    monkeypatch.setenv("API_KEY", "planted")
    monkeypatch.setenv("WANDB_PASSWORD", "12")
    kept = Masker().config(config)
    assert again(kept, config)[0].wandb == {"api_key": "planted", "password": "12"}
    assert again(kept, config, {"wandb": {"password": 12}}) == (config, [])


def test_another_key_is_as_good_and_what_nobody_knows_is_named() -> None:
    kept = Masker().config(SECRET)
    found, left = again(kept, SECRET, {**SECRET, "api_token": "another"})
    assert (found, left) == ({**SECRET, "api_token": "another"}, [])
    other = {**SECRET, "url": "https://ann:planted@elsewhere.org"}
    assert again(kept, SECRET, other)[1] == [("url",)]
    assert again(kept, SECRET)[1] == [("api_token",), ("wandb", "password"), ("url",), ("pads", 0, "secret")]


def test_names_of_variables() -> None:
    assert variables("wandb.api-key") == ["WANDB_API_KEY", "API_KEY"]
    assert variables("token") == ["TOKEN"]


def test_what_only_repeats_a_secret_is_asked_for_last() -> None:
    kept = Config(token="***", note="Bearer ***", url="https://***@host", sep="***", db={"password": "***"})
    paths = masked_paths(kept, everything=True)
    one = [path for path in paths if path[0] != "db"]
    assert asked_keys(kept, one) == ["token", "url", "sep"]
    assert asked_keys(kept, [path for path in paths if path[0] in ("note", "sep")]) == ["note", "sep"]
    assert masked_paths(kept) == [("token",), ("url",), ("db", "password")]


def test_what_repeats_a_secret_is_masked_too_but_never_the_name() -> None:
    config = Config(
        name="run-hunter2", password="hunter2", header="Bearer hunter2!", user="admin", login=("x", ["hunter2"])
    )
    kept = Masker().config(config)
    assert kept == {**config, "password": "***", "header": "Bearer ***!", "login": ("x", ["***"])}
    found, left = again(kept, config, {"password": "hunter3"})
    assert (found.header, found.login, left) == ("Bearer hunter3!", ("x", ["hunter3"]), [])
    ordinary = Config(password="postgres", user="postgres")
    assert Masker().config(ordinary).user == "postgres"


def test_all_that_is_missing_is_asked_for_at_once() -> None:
    keys = SecretKeys(secret=["salt", "db.pin"])
    config = Config(salt="planted-1", api_key="planted-2", db={"pin": 77}, note="by planted-1")
    kept = Masker(keys=keys).config(config)
    left = again(kept, config)[1]
    assert asked_keys(kept, left, repeats=False) == ["salt", "api_key", "db.pin", "note"]
    asked = asked_keys(kept, left)
    assert asked == ["salt", "api_key", "db.pin"]
    several = Config(token="***", db={"password": "***"}, note="by ***")  # by which of them cannot be told
    assert asked_keys(several, masked_paths(several, everything=True)) == ["token", "db.password", "note"]


def test_what_was_masked_in_a_tuple_can_be_given_again() -> None:
    config = Config(logins=({"password": "a"}, {"password": "b"}))
    kept = Masker().config(config)
    assert again(kept, config, config) == (config, [])
    assert kept.logins[0].password == "***"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc*", max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["lr", "token", "x_key", "a"]), inner),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["lr", "password", "model", "api_token"]), VALUES))
def test_whatever_was_masked_can_be_filled_in_again(value: dict[str, Any]) -> None:
    config, masker = Config(value), Masker()
    kept = masker.config(config)
    assert masker.config(kept) == kept
    assert again(kept, config, config) == (config, [])
    json.loads(dumps_config(kept))


def test_what_was_masked_as_a_whole_is_not_filled_with_the_secret_that_it_held(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Config(api_key="hunter2-hunter2", data=b"see hunter2-hunter2", text="see hunter2-hunter2")
    kept = Masker().config(real)
    paths, kinds = masked_paths(kept, masked_keys(kept, real)), masked_kinds(kept, real)
    full, left = filled(kept, paths, {"api_key": "another-another"}, kinds=kinds)
    assert full == Config(api_key="another-another", data="***", text="see another-another") and left == [("data",)]
    monkeypatch.setenv("DATA", "see another-another")
    full, left = filled(kept, paths, {"api_key": "another-another"}, kinds=kinds)
    assert full["data"] == b"see another-another" and left == []
