from __future__ import annotations

import pytest

from dodo_pyexp.config.config import Config
from dodo_pyexp.provenance.secrets.holes import masked_keys, masked_paths, secrets_of
from dodo_pyexp.provenance.secrets.masking import Masker


def test_a_literal_mask_is_what_it_is() -> None:
    config = Config(api_key="***")
    kept = Masker().config(config)
    assert kept is config and masked_paths(kept, masked_keys(kept, config)) == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("holes", [1, 50])
def test_what_was_masked_of_a_long_text_is_found_in_no_time(holes: int) -> None:
    pieces = ["a" * 20_000] * holes
    config = Config(text="b".join(pieces) + "c")
    assert secrets_of(config, Config(text="***".join(pieces) + "d")) == [config.text]
