from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.secret_keys import MASKED, SecretKeys, secret_key
from dodo_pyexp.provenance.credentials import mask, mask_arguments, mask_text, parts
from dodo_pyexp.provenance.masking import Masker
from dodo_pyexp.provenance.secrets import secret_content, secret_file
from dodo_pyexp.provenance.yaml_text import mask_yaml


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
    ],
)
def test_keys_of_secrets(key: str) -> None:
    assert secret_key(key, "value")


@pytest.mark.parametrize(
    "key",
    [
        "max_tokens",
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
    assert mask({section: {"key": "abc"}}) == masked
    assert Masker().config(Config({"a": {section: {"key": "abc"}}})) == {"a": masked}
    assert SecretKeys().hidden(Config({"a": [{section: {"key": "abc"}}]})) == {"a": [masked]}
    assert (
        mask_yaml(f"{section}: {{key: abc}}")
        == f"{section}: {{key: {chr(39) + MASKED + chr(39) if secret else 'abc'}}}"
    )


@pytest.mark.parametrize("value", [None, True, "", 7, 0.5])
def test_a_number_behind_a_token_or_a_key_is_no_secret(value: object) -> None:
    assert not secret_key("random_key", value)


@pytest.mark.parametrize("key", ["password", "api_key", "accessToken"])
def test_but_a_password_or_the_key_of_a_service_may_be_a_number_or_a_section(key: str) -> None:
    assert secret_key(key, 1234)
    assert secret_key(key, {"of": "ann"})


def test_a_secret_of_the_environment_is_known_on_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "planted-9")
    monkeypatch.setenv("OTHER_TOKEN", "postgres")  # an ordinary word
    monkeypatch.setenv("GOOGLE_CREDENTIALS", "/home/ann/key.json")  # where it is kept
    monkeypatch.setenv("SECRETS_DIR", "data-secrets")
    words = ["postgres", "/home/ann/key.json", "data-secrets"]
    assert mask_arguments(["--header=Bearer planted-9", *words]) == ["--header=Bearer ***", *words]


def test_the_whole_of_a_private_key_is_masked() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
    assert mask_text(f"a {key} b {key}") == "a *** b ***"
    assert mask_text("a -----BEGIN PRIVATE KEY-----\nMIIE") == "a ***"


def test_logins_and_tokens_of_addresses_are_known_apart_from_them() -> None:
    assert parts("see https://ann:pw@host/x?a=1&token=abc and ssh://git@host") == ["pw", "abc"]


def test_mask_goes_to_any_depth_and_keeps_the_rest() -> None:
    config: dict[Any, Any] = {
        "lr": 0.1,
        "tokens": 5,
        "nested": {"api_key": "k1", "list": [{"password": "k2"}, "https://ann:k3@example.org/x"]},
        "credentials": {"user": "ann", "pass": "k4"},
        "note": "use ghp_0123456789abcdefghij0123456789",
        3: ("a", "hf_0123456789abcdefghij"),
    }
    copy = json.dumps(config)
    masked = mask(config)
    assert json.dumps(config) == copy
    assert masked == {
        "lr": 0.1,
        "tokens": 5,
        "nested": {"api_key": MASKED, "list": [{"password": MASKED}, "https://***@example.org/x"]},
        "credentials": MASKED,
        "note": "use ***",
        3: ["a", MASKED],
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_masking_twice_is_masking_once(config: dict[str, Any]) -> None:
    assert mask(mask(config)) == mask(config)
    assert mask(config).keys() == config.keys()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("git+https://ann:tok@github.com/x.git", "git+https://***@github.com/x.git"),
        ("https://tok@github.com/x.git", "https://***@github.com/x.git"),
        ("ssh://git@github.com/x.git", "ssh://git@github.com/x.git"),
        ("ssh://git:pw@github.com/x.git", "ssh://***@github.com/x.git"),
        ("postgresql://ann:p%40ss@db:5432/x", "postgresql://***@db:5432/x"),
        (
            "https://example.org/a?lr=1&access_token=abc&x=2",
            "https://example.org/a?lr=1&access_token=***&x=2",
        ),
        ("https://example.org/a?sig=abc", "https://example.org/a?sig=***"),
        ("https://example.org/@ann", "https://example.org/@ann"),
        ("lr=0.1", "lr=0.1"),
        ("host=db password=hunter2 user=ann", "host=db password=*** user=ann"),
        ("Endpoint=x;AccountKey=abcdefghijk0123456789==;y", "Endpoint=x;AccountKey=***;y"),
        ('no login: {"password": "hunter"}', 'no login: {"password": "***"}'),
        ("password: required, token: str, key=$KEY", "password: required, token: str, key=$KEY"),
        ("Authorization: Bearer abc-123.def", "Authorization: Bearer ***"),
        ("Bearer of good news", "Bearer of good news"),
        ("run --password=hunter2 --lr=1", "run --password=*** --lr=1"),
        ("https://hooks.slack.com/services/T0/B0/abcdefgh", "https://hooks.slack.com/services/***"),
        ("https://discord.com/api/webhooks/1234/abcdefgh-i", "https://discord.com/api/webhooks/***"),
        ("Authorization: Basic YW5uOmh1bnRlcjI=", "Authorization: Basic ***"),
        ("Basic training in Basic2Advanced", "Basic training in Basic2Advanced"),
        ("Server=x;Uid=sa;Pwd=hunter2;y", "Server=x;Uid=sa;Pwd=***;y"),
        ("Server=x;Uid=sa;Pwd=two words 1;y", "Server=x;Uid=sa;Pwd=***;y"),
        ("password = 'correct horse battery staple'", "password = '***'"),
        ('password="""first\nsecond 2"""; x', 'password="""***"""; x'),
        ("password=f'{user}-hunter2', b", "password=f'***', b"),
        ("password = b'hunter2'", "password = b'***'"),
        ('password = rb"hun(ter)2"', 'password = rb"***"'),
        ("db['password'] = 'hunter\\'2'", "db['password'] = '***'"),
        ('help("password", "Please enter your password")', 'help("password", "Please enter your password")'),
        ("password='Your password is wrong'", "password='Your password is wrong'"),
        ("pwd=/home/ann/data", "pwd=/home/ann/data"),
    ],
)
def test_credentials_in_a_text(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    ("arguments", "masked"),
    [
        (["--token=abc", "x"], ["--token=***", "x"]),
        (["--api-key", "abc", "x"], ["--api-key", "***", "x"]),
        (["--key", "abc"], ["--key", "***"]),
        (["wandb.api_key=abc"], ["wandb.api_key=***"]),
        (["--set", "db.password=1234"], ["--set", "db.password=***"]),
        (["--token", "--verbose"], ["--token", "--verbose"]),
        (["--max-tokens", "12", "token.py"], ["--max-tokens", "12", "token.py"]),
        (["--url", "https://ann:pw@example.org"], ["--url", "https://***@example.org"]),
        (["--password"], ["--password"]),
        (["--env", "HF_TOKEN", "abc", "--env", "HOME", "/x"], ["--env", "HF_TOKEN", "***", "--env", "HOME", "/x"]),
        (["-cpassword=abc", "--conf=db.password=abc"], ["-cpassword=***", "--conf=db.password=***"]),
        (["--set", "db={password: abc, port: 1}"], ["--set", "db={password: '***', port: 1}"]),
        (["--db", '{"password":"abc"}', "--api_keys.0", "abc"], ["--db", '{"password":"***"}', "--api_keys.0", "***"]),
        (["--url=https://ann:p@ss@host/x?token=abc"], ["--url=https://***@host/x?token=***"]),
        (["password: hunter2", "{broken: ["], ["password: ***", "{broken: ["]),
    ],
)
def test_secrets_of_a_command_line(arguments: list[str], masked: list[str]) -> None:
    assert mask_arguments(arguments) == masked


@pytest.mark.parametrize("path", ["a.py", "id_rsa.pub", "env.py", "environment.yml", "secrets.py", "keys/a.txt"])
def test_ordinary_files(path: str) -> None:
    assert secret_file(path) is None


def test_a_secret_folder_is_named_once() -> None:
    assert secret_file("a/.env/lib/x.py") == ("a/.env/", "named like a secret")


def test_the_reason_names_the_kind_and_never_the_secret() -> None:
    assert secret_content(b"x = 'AKIAIOSFODNN7EXAMPLE'") == "holds an AWS key"
    assert secret_content(b"\x00\xff nothing sk-short ghp_") is None


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ('api_key = "planted_secret"', "settings.py"),
        ('password: str = "hunter2"', "settings.py"),
        ('cfg["db_password"] = "planted_secret"', "settings.py"),
        ('connect(password="planted_secret", port=1)', "db.py"),
        ('{"user": "ann", "password": "planted_secret"}', "login.json"),
        ("[db]\npassword = planted_secret\r\n", "db.ini"),
        ("db:\n  - password: planted_secret", "db.yml"),
        ("password: hunter2", "db.yml"),
        ("password: 12345678", "db.yml"),
        ("export API_TOKEN=planted0123456789", "login.sh"),
        ("token: planted0123456789", "login.yaml"),
        ("config: {lr: 0.1, db: {password: planted-1}, x: 1}", "run.yml"),
        ("config: {api_token: planted-1}", "run.yml"),
        ('HF_TOKEN="planted0123456789"', "train.py"),
        ('ssh_private_key = "planted0123456789"', "train.py"),
        ('password = "planted horse battery staple"', "train.py"),
        ("password = '''planted 1\nsecond line'''", "train.py"),
        ("password = f'{user}-planted-1'", "train.py"),
        ("password = b'planted-1'", "train.py"),
        ("db:\n  password: |-\n    planted-1\n", "db.yml"),
        ("set PASSWORD=planted-1\r\n", "train.bat"),
        ("#SBATCH -n 1\nexport WANDB_API_KEY=planted-1\n", "train.sbatch"),
        (r'{"source": ["os.environ[\"API_KEY\"] = \"planted-1\"\n"]}', "train.ipynb"),
    ],
)
def test_a_key_that_is_given_its_secret_is_told_by_the_key(content: str, name: str) -> None:
    reason = secret_content(content.encode(), name)
    assert reason is not None and reason.startswith("holds a value for ") and "planted" not in reason


@pytest.mark.parametrize(
    "content",
    [
        'password = os.environ["PASSWORD"]',
        "password = first_password_of(user)",
        "password = my_password2",
        'password = "<your password>"',
        'password = "your-password"',
        'api_key: str = "OPENAI_API_KEY"',
        'api_key = "${API_KEY}"',
        'credentials = "~/conf/credentials.json"',
        'token = "[CLS]"',
        'eos_token = "<|endoftext|>"',
        '{"token": "understanding"}',
        'sort_key = "val_accuracy_top1_epoch20"',
        "Password: required for access",
    ],
)
def test_code_that_only_names_a_secret_holds_none(content: str) -> None:
    assert secret_content(content.encode(), "code.py") is None
    if "=" not in content or '"' in content:
        assert secret_content(content.encode(), "notes.md") is None


LONG = 20_000
HARD = [
    "a", "a:", "a://", "://", "a://a", "@", "://a@", "a.b-", "?a=", "&a=", "?a", "eyJaaaaaaaaaa-",
    "eyJaaaaaaaaaa.", "eyJ", "-----BEGIN ", "-----BEGIN PRIVATE KEY", "-----BEGIN PRIVATE KEY-----END PRIVATE KEY",
    "PRIVATE KEY ", "Bearer ", "Bearer a", "Basic ", "Basic a", "Basic YTpi", "password", "password=", "password:",
    "password='", 'password="""', "password=f'{", "key", "x_key=", "pwd=a ", "Pwd=;", "token = ", "sk-",
    "sk-proj-", "xoxb-", "/api/webhooks/1", "hooks.slack.com/services/", " ", "\n", "{password: a", "export ",
    "- ", '"', "'", "\\", "***",
]  # fmt: skip


def test_masking_takes_a_time_that_grows_with_the_text_and_no_faster() -> None:
    """Each family of texts is tried beside a login and behind it, so that every pattern is; quadratic took minutes."""

    def taken(length: int) -> float:
        began = time.perf_counter()
        for family in HARD:
            text = f"https://ann:pw@host Bearer Basic PRIVATE KEY eyJ sk- {(family * length)[:length]} password=1"
            mask_text(text)
            secret_content(text.encode(), "a.yml")
            parts(text)
        return time.perf_counter() - began

    taken(1000)  # compiles what has to be compiled
    short = taken(LONG // 10)
    assert taken(LONG) < 40 * short + 2


def test_bytes_are_searched_for_tokens_only() -> None:
    assert secret_content(b"\0" + b'password = "planted_secret"', "weights.bin") is None
    assert secret_content(b"\0" + b"ghp_0123456789abcdefghij0123456789abcdef", "weights.bin") == "holds a GitHub token"
