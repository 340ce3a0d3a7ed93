from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.encode import dumps_config
from dodo_pyexp.config.hashing import hash_config
from dodo_pyexp.config.secret_keys import SecretKeys
from dodo_pyexp.provenance.masking import (
    Masker,
    asked_keys,
    filled,
    masked_keys,
    masked_paths,
    masked_text,
    secrets_of,
    variables,
)

SECRET = Config(
    name="a", lr=0.1, api_token="planted", wandb={"password": 12345, "project": "mine"}, sizes=(1, 2),
    url="https://ann:planted@example.org", pads=[{"eos_token": "</s>", "secret": "planted"}], keys=None,
)  # fmt: skip


def test_secrets_are_masked_and_nothing_else_changes_its_type() -> None:
    kept = Masker().config(SECRET)
    assert kept == {
        **SECRET, "api_token": "***", "wandb": {"password": "***", "project": "mine"},
        "url": "https://***@example.org", "pads": [{"eos_token": "</s>", "secret": "***"}],
    }  # fmt: skip
    assert isinstance(kept, Config)
    assert isinstance(kept.sizes, tuple)
    assert masked_keys(kept) == ["api_token", "wandb.password", "url", "pads.0.secret"]
    assert SECRET.api_token == "planted"


def test_a_config_without_secrets_is_given_back_as_it_is() -> None:
    masker, config = Masker(), Config(lr=0.1, model={"tokens": 5, "max_tokens": 7}, names=["a", "b"], key=1)
    assert masker.config(config) is config
    assert masker.config(config) is config
    masked = masker.config(SECRET)
    assert masker.config(masked) is masked


def test_the_same_keys_with_another_kind_of_value_are_judged_anew() -> None:
    masker = Masker()
    assert not masker.has_secret({"token": 5})
    assert masker.has_secret({"token": "x"})


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


def test_values_under_keys_of_secrets_are_hashed_as_they_are_written_down() -> None:
    keys, config = SecretKeys(), Config(SECRET, url="x")
    kept = Masker().config(config)
    other = Config(config, api_token="another", pads=[{"eos_token": "</s>", "secret": 7}])
    assert hash_config(keys.hidden(config)) == hash_config(kept) == hash_config(keys.hidden(other))
    assert hash_config(keys.hidden(Config(config, lr=0.2))) != hash_config(kept)
    assert config.api_token == "planted"


def test_which_keys_are_secret_can_be_said() -> None:
    masker = Masker(keys=SecretKeys(secret=["salt", "model.width"], not_secret=["api_token", "login.password"]))
    config = Config(salt="x", width=5, model={"width": 7}, api_token="[A]", login={"password": "b"}, password="planted")
    assert masker.has_secret(config)
    assert masker.config(config) == {**config, "salt": "***", "model": {"width": "***"}, "password": "***"}


def test_a_literal_mask_is_what_it_is() -> None:
    config = Config(api_key="***")
    kept = Masker().config(config)
    assert kept is config and masked_paths(kept, masked_keys(kept, config)) == []


def test_names_of_variables() -> None:
    assert variables("wandb.api-key") == ["WANDB_API_KEY", "API_KEY"]
    assert variables("token") == ["TOKEN"]


def test_secrets_of_a_config_are_masked_in_texts() -> None:
    text = masked_text("planted at https://bob:x@y and 12345, </s> mine", secrets_of(SECRET, Masker().config(SECRET)))
    assert text == "*** at https://***@y and ***, </s> mine"
    config = Config(url="https://ann:pw-of-ann@host/x?token=abcd", password=True, secret="planted")
    secrets = secrets_of(config, Masker().config(config))
    assert masked_text("no pw-of-ann, abcd; True planted", secrets) == "no ***, ***; True ***"


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


def test_what_only_repeats_a_secret_is_asked_for_last() -> None:
    kept = Config(token="***", note="Bearer ***", url="https://***@host", sep="***", db={"password": "***"})
    paths = masked_paths(kept, everything=True)
    assert asked_keys(kept, paths) == ["token", "url", "db.password"]
    assert asked_keys(kept, [path for path in paths if path[0] in ("note", "sep")]) == ["note", "sep"]
    assert masked_paths(kept) == [("token",), ("url",), ("db", "password")]


def test_a_secret_of_the_environment_is_one_in_any_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "planted-9")
    config = Config(command="login --with planted-9", lr=0.1)
    kept = Masker().config(config)
    assert kept == {"command": "login --with ***", "lr": 0.1}
    assert again(kept, config) == (config, [])
    assert masked_text("no: planted-9", []) == "no: ***"


def test_where_references_may_stay_sections_stay_too() -> None:
    config = Config(
        api_token="$TOKEN", password="a$B", url="https://ann:$PW@host", other="https://ann:pw$X@host",
        credentials={"user": "$USER", "port": 5, "on": True, "pass": "!P$x"}, api_keys=["$A", "b"],
    )  # fmt: skip
    masker = Masker(["known"], keep=lambda text: text.startswith("$"))
    kept = masker.config(config)
    assert kept == {
        "api_token": "$TOKEN", "password": "***", "url": "https://ann:$PW@host", "other": "https://***@host",
        "credentials": {"user": "$USER", "port": "***", "on": True, "pass": "***"}, "api_keys": ["$A", "***"],
    }  # fmt: skip
    assert masker.config(kept) is kept
    assert masker.config(Config(a="x known")) == {"a": "x ***"}


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


@pytest.mark.parametrize("holes", [1, 50])
def test_what_was_masked_of_a_long_text_is_found_in_no_time(holes: int) -> None:
    pieces = ["a" * 20_000] * holes
    config = Config(text="b".join(pieces) + "c")
    began = time.perf_counter()
    assert secrets_of(config, Config(text="***".join(pieces) + "d")) == [config.text]
    assert time.perf_counter() - began < 5
