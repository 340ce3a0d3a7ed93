from __future__ import annotations

import pytest

from dodo_pyexp.config.config import Config
from dodo_pyexp.provenance.secrets.holes import masked_keys, masked_paths, secrets_of
from dodo_pyexp.provenance.secrets.masking import Masker
from dodo_pyexp.provenance.secrets.refill import filled
from dodo_pyexp.provenance.secrets.repeats import masked_text

SECRET = Config(
    name="a", lr=0.1, api_token="planted", wandb={"password": 12345, "project": "mine"}, sizes=(1, 2),
    url="https://ann:planted@example.org", pads=[{"eos_token": "</s>", "secret": "planted"}], keys=None,
)  # fmt: skip


def test_secrets_of_a_config_are_masked_in_texts() -> None:
    text = masked_text("planted at https://bob:x@y and 12345, </s> mine", secrets_of(SECRET, Masker().config(SECRET)))
    assert text == "*** at https://***@y and ***, </s> mine"
    config = Config(url="https://ann:pw-of-ann@host/x?token=abcd", password=True, secret="planted")
    secrets = secrets_of(config, Masker().config(config))
    assert masked_text("no pw-of-ann, abcd; True planted", secrets) == "no ***, ***; True ***"


def test_a_secret_of_the_environment_is_one_in_any_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "planted-9")
    config = Config(command="login --with planted-9", lr=0.1)
    kept = Masker().config(config)
    assert kept == {"command": "login --with ***", "lr": 0.1}
    assert filled(kept, masked_paths(kept, masked_keys(kept, config))) == (config, [])
    assert masked_text("no: planted-9", []) == "no: ***"
