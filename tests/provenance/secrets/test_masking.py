from __future__ import annotations

from pathlib import Path

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.hashing import hash_config
from dodo_pyexp.config.secret_keys import SecretKeys
from dodo_pyexp.provenance.secrets.credentials import mask
from dodo_pyexp.provenance.secrets.holes import masked_keys, masked_kinds, secrets_of
from dodo_pyexp.provenance.secrets.masking import Masker

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


def test_pairs_of_a_name_and_a_value_are_masked_as_they_are_hashed() -> None:
    config = Config(name="api_key", value="a", env=[{"name": "X_TOKEN", "value": "abc"}, {"name": "a", "value": "b"}])
    masked = Config(name="api_key", value="a", env=[{"name": "X_TOKEN", "value": "***"}, {"name": "a", "value": "b"}])
    assert Masker().config(config) == masked
    assert Masker(keep=lambda text: text.startswith("$")).config(config) == masked
    referring = Config(env=[{"name": "X_TOKEN", "value": "$X_TOKEN"}])
    assert Masker(keep=lambda text: text.startswith("$")).config(referring) is referring
    assert mask(config) == masked


def test_secrets_in_bytes_sets_and_paths_are_masked_with_all_of_it() -> None:
    token = "ghp_0123456789abcdef0123456789"
    config = Config(
        api_key="hunter2-hunter2", data=b"see hunter2-hunter2", form=token.encode(), words={token, "x"},
        deep=[frozenset([(1, "hunter2-hunter2")])], path=Path("a/hunter2-hunter2"), kept=[b"\xff", {"x"}, Path("x")],
    )  # fmt: skip
    masked = Masker().config(config)
    assert masked == Config(
        api_key="***", data="***", form="***", words="***", deep=["***"], path="***", kept=config["kept"]
    )
    told = masked_kinds(masked, config)
    assert (told["data"], told["words"], told["path"]) == ("bytes", "set", "PosixPath")
    assert token in secrets_of(config, masked)
    plain = Config(data=b"x" * 100, words={"a"}, path=Path("a"))
    assert Masker().config(plain) is plain
