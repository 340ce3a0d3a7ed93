from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.encode import dumps_config
from dodo_pyexp.config.hashing import hash_config
from dodo_pyexp.provenance.masking import Masker, asked_keys, masked_keys, masked_text, restored, secrets_of, variables

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


@pytest.mark.parametrize("source", [SECRET, {**SECRET, "lr": 7}])
def test_another_config_gives_the_secrets_back(source: Any) -> None:
    assert restored(Masker().config(SECRET), hash_config(SECRET), {}, source) == SECRET


def test_the_environment_gives_them_back_with_their_types(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(name="a", wandb={"api_key": "planted", "password": 12})
    monkeypatch.setenv("API_KEY", "planted")
    monkeypatch.setenv("WANDB_PASSWORD", "12")
    assert restored(Masker().config(config), hash_config(config)) == config


def test_a_value_that_was_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, digest = Masker().config(SECRET), hash_config(SECRET)
    assert restored(kept, digest) is None
    assert restored(kept, digest, {**SECRET, "api_token": "another"}) is None
    assert restored(Config(lr=2), digest) is None


def test_a_literal_mask_is_what_it_is() -> None:
    config = Config(api_key="***")
    assert restored(Masker().config(config), hash_config(config)) == config


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
    assert restored(kept, hash_config(config), {"password": "hunter2"}) == config
    assert restored(kept, hash_config(config), {"password": "hunter3"}) is None
    ordinary = Config(password="postgres", user="postgres")
    assert Masker().config(ordinary).user == "postgres"


def test_what_only_repeats_a_secret_is_asked_for_last() -> None:
    kept = Config(token="***", note="Bearer ***", url="https://***@host", sep="***", db={"password": "***"})
    assert asked_keys(kept) == ["token", "url", "db.password"]
    assert asked_keys(Config(kept, token="x", url="y", db={})) == ["note", "sep"]


def test_a_secret_of_the_environment_is_one_in_any_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "planted-9")
    config = Config(command="login --with planted-9", lr=0.1)
    kept = Masker().config(config)
    assert kept == {"command": "login --with ***", "lr": 0.1}
    assert restored(kept, hash_config(config)) == config
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


def test_numbers_and_texts_of_the_environment_may_be_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(password=12, client_secret="34", token="planted")
    for name, value in {"PASSWORD": "12", "CLIENT_SECRET": "34"}.items():
        monkeypatch.setenv(name, value)
    assert restored(Masker().config(config), hash_config(config), {"token": "planted"}) == config


def test_what_was_masked_in_a_tuple_can_be_given_again() -> None:
    config = Config(logins=({"password": "a"}, {"password": "b"}))
    kept = Masker().config(config)
    assert restored(kept, hash_config(config), config) == config
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
    assert restored(kept, hash_config(config), config) == config
    json.loads(dumps_config(kept))
