"""Which keys are those of secrets."""

from __future__ import annotations

import pytest

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.secret_keys import MASKED, SecretKeys, is_login, secret_key, words_of


@pytest.mark.parametrize(
    "key",
    [
        "api_key",
        "API-KEY",
        "apiKey",
        "APIKey",
        "wandb.api_key",
        "token",
        "HF_TOKEN",
        "github_token",
        "password",
        "db_password",
        "dbPassword",
        "passwd",
        "passphrase",
        "client_secret",
        "SECRET",
        "aws_secret_access_key",
        "credentials",
        "google_credential",
        "SLURM_JWT",
        "db_pwd",
        "private_keys",
        "auth_tokens",
        "authorization",
        "session_cookie",
        "api_key_2",
        "token1",
        "api_keys.0",
        "PGPASSWORD",
        "user_pass",
        "multi_token",
        "private_key_pem",
        "storage_account_key",
        "pwd",
        "Pwd",
        "session_key",
        "my_token",
        "client_token",
        "csrf_token",
    ],
)
def test_keys_of_secrets(key: str) -> None:
    assert secret_key(key, "value")


@pytest.mark.parametrize(
    "key",
    [
        "max_tokens",
        "nextPageToken",
        "next_page_token",
        "page_token",
        "ContinuationToken",
        "ClientToken",
        "clientRequestToken",
        "tokenizer",
        "tokenizer_key",
        "embedding_key",
        "num_tokens",
        "eos_token",
        "pad_token",
        "key",
        "keys",
        "keyboard",
        "monkey",
        "hidden_size",
        "PWD",
        "token_count",
        "stop_tokens",
        "secretary",
        "api_key_file",
        "access_token_env",
        "low_pass",
        "bypass",
        "label_key",
        "image_key",
        "metric_key",
        "pooling_token",
        "first_stage_key",
        "sort_key",
        "model.target_key",
        "placeholder_token",
    ],
)
def test_keys_of_ordinary_values(key: str) -> None:
    assert not secret_key(key, "value")


def test_a_pass_over_data_and_the_current_folder_are_no_secrets() -> None:
    assert [secret_key("pass", value) for value in ("second", "First", "hunter2")] == [False, False, True]
    assert [secret_key("pwd", value) for value in ("/home/ann", "~/x", "hunter2")] == [False, False, True]


@pytest.mark.parametrize(("section", "secret"), [("api", True), ("wandb", True), ("my_openai", True), ("model", False)])
def test_a_bare_key_is_what_its_section_makes_it(section: str, secret: bool) -> None:
    assert secret_key("key", "abc", section) is secret
    masked = {section: {"key": MASKED if secret else "abc"}}
    assert SecretKeys().hidden(Config({"a": [{section: {"key": "abc"}}]})) == {"a": [masked]}


@pytest.mark.parametrize("value", [None, True, "", 7, 0.5])
def test_a_number_behind_a_token_or_a_key_is_no_secret(value: object) -> None:
    assert not secret_key("random_key", value)


@pytest.mark.parametrize("key", ["password", "api_key", "accessToken"])
def test_but_a_password_or_the_key_of_a_service_may_be_a_number_or_a_section(key: str) -> None:
    assert secret_key(key, 1234)
    assert secret_key(key, {"of": "ann"})


def test_a_number_at_the_end_of_a_key_says_nothing() -> None:
    assert words_of("dbPassword_2") == ["db", "password"]
    assert words_of("7") == []


def test_what_was_said_of_a_key_counts_for_the_end_of_its_path() -> None:
    keys = SecretKeys(secret=["salt", "model.width"], not_secret=["model.token"])
    assert [keys.names(*one) for one in (("salt", 1), ("width", 1, "model"), ("width", 1), ("salt", None))] == [
        True, True, False, False,
    ]  # fmt: skip
    assert not keys.names("token", "x", "a.model")
    assert keys.names("token", "x", "remodel")


def test_a_config_without_secrets_is_hashed_as_it_is() -> None:
    config = Config(lr=0.1, sizes=(1, {"a": [2]}))
    assert SecretKeys().hidden(config) is config
    with_one = Config(config, logins=({"password": "a"}, {"user": "b"}))
    assert SecretKeys().hidden(with_one).logins == ({"password": MASKED}, {"user": "b"})
    assert with_one.logins[0]["password"] == "a"


def test_a_login_in_base64_is_a_secret_and_another_auth_is_none() -> None:
    assert [is_login(text) for text in ("YW5uOmh1bnRlcjI=", "YW5u", "username", "a", "4pig77iP")] == [
        True, False, False, False, False,
    ]  # fmt: skip
    config = Config(auths={"host": {"auth": "YW5uOmh1bnRlcjI="}}, auth="basic")
    assert SecretKeys().hidden(config) == Config(auths={"host": {"auth": MASKED}}, auth="basic")


def test_in_a_pair_of_a_name_and_a_value_the_name_says_what_is_secret() -> None:
    pairs = [{"name": "X_TOKEN", "value": "abc"}, {"key": "DB_PASSWORD", "value": 7}, {"name": "lr", "value": "abc"}]
    without = [{**pairs[0], "value": MASKED}, {**pairs[1], "value": MASKED}, pairs[2]]
    keys = SecretKeys()
    assert keys.hidden(Config(env=pairs)) == Config(env=without)
    assert keys.hidden(Config(env=without)) == Config(env=without)
    assert SecretKeys(not_secret=["X_TOKEN", "env.value"]).hidden(Config(env=pairs)) == Config(env=pairs)
    assert keys.hidden(run := Config(name="secret", value="abc")) is run, "it is the run that is called so"
