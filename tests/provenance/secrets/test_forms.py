"""Forms of code and settings that give a secret away."""

from __future__ import annotations

import pytest

from dodo_pyexp.provenance.secrets.assignments import given
from dodo_pyexp.provenance.secrets.forms import certain, in_forms


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ('os.getenv("API_KEY", "hunter-2")', ["hunter-2"]),
        ('os.environ.get("PASSWORD", default="hunter2")', ["hunter2"]),
        ('os.getenv("API_KEY", "your-api-key")', []),
        ('row.get("password", "password")', []),
        ('tokens.get("token", "understanding")', []),
        ('os.environ.setdefault("API_KEY", "hunter-2")', ["hunter-2"]),
        ('monkeypatch.setenv("DB_PASSWORD", "hunter2")', ["hunter2"]),
        ('add_argument("--password", type=str, default="hunter2")', ["hunter2"]),
        ('add_argument("--pad-token", default="[PAD]")', []),
        ('get(url, auth=("ann", "hunter2"))', ["hunter2"]),
        ('HTTPBasicAuth("ann", password)', []),
        ('HTTPBasicAuth("ann", "hunter2")', ["hunter2"]),
        ('server.login("ann@host", "hunter2")', ["hunter2"]),
        ('wandb.login(key="hunter-2")', ["hunter-2"]),
        ("machine api.host.org\n  login user\n  password hunter2", ["hunter2"]),
        ("the machine shows a login page with a password field", []),
        ("db.host:5432:*:ann:hunter2", ["hunter2"]),
        ("a.py:5432:5: E501 x", []),
        ('"auth": "YW5uOmh1bnRlcjI="', ["YW5uOmh1bnRlcjI="]),
        ("_auth=YW5uOmh1bnRlcjI=", ["YW5uOmh1bnRlcjI="]),
        ("auth: true, auth: positional, author: YW5uOmh1bnRlcjI=", []),
        ("%env API_KEY hunter-2", ["hunter-2"]),
        ("FROM a\nENV DB_PASSWORD hunter2", ["hunter2"]),
        ('ENV DB_PASSWORD "hunter 2 x"', ["hunter 2 x"]),
        ("ENV DB_PASSWORD $PASSWORD\nENV PATH /usr/bin\nENV TOKEN_FILE /run/token", []),
        ("env:\n  - name: DB_PASSWORD\n    value: hunter2\n", ["hunter2"]),
        ("- key: A_TOKEN\n  value: '0a1b2c3d4e5f60718293'\n", ["0a1b2c3d4e5f60718293"]),
        ("[{name: DB_PASSWORD, value: hunter2}]", ["hunter2"]),
        ('{"name": "DB_PASSWORD", "value": "hunter2"}', ["hunter2"]),
        ("EnvVar(name='DB_PASSWORD', value='hunter2')", ["hunter2"]),
        ("- name: DB_PASSWORD\n  value: ${{ secrets.DB }}\n- name: lr\n  value: hunter2\n", []),
        ("- name: DB_PASSWORD\n  valueFrom: {secretKeyRef: {name: hunter2}}\n", []),
        ("EnvVar(name='DB_PASSWORD', value=password)", []),
        ("%env CUDA_VISIBLE_DEVICES 0,1,2", []),
        ('"Authorization": "Token 0a1b2c3d4e5f60718293"', ["0a1b2c3d4e5f60718293"]),
        ("Authorization: Token YOUR_TOKEN", []),
        ("CREATE USER ann WITH PASSWORD 'hunter2'", ["hunter2"]),
        ('{"username": "ann", "key": "0a1b2c3d4e5f60718293a4b5c6d7e8f9"}', ["0a1b2c3d4e5f60718293a4b5c6d7e8f9"]),
        ("curl -u ann:hunter2 host", ["ann:hunter2"]),
    ],
)
def test_what_gives_a_secret_away(text: str, secrets: list[str]) -> None:
    assert [one.value for one in in_forms(text)] == secrets


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("password = my_password2", False),
        ("connect(user=ann, password=my_password2)", False),
        ("password = 'hunter-2'", True),
        ("'jdbc:db://host/x?user=ann&password=hunter2'", True),
        ("'Server=x;Uid=sa;Pwd=hunter2;'", True),
        ("'host=db user=ann password=hunter2'", True),
        ("'X-Api-Key: hunter-2'", True),
        ("curl -H 'X-Api-Key: hunter-2'", True),
        ("wget --password=hunter2", True),
        ("%env PASSWORD=hunter2", True),
        ("export PASSWORD=hunter2", True),
        ("//host/:_password=hunter2", True),
    ],
)
def test_where_a_bare_word_can_only_be_the_secret(text: str, literal: bool) -> None:
    assert any(certain(text, one) for one in given(text)) is literal
