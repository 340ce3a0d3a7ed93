"""Secrets on the command lines that a text quotes."""

from __future__ import annotations

import pytest

from dodo_pyexp.provenance.secrets.commands import on_command_lines, stands_for_another
from dodo_pyexp.provenance.secrets.credentials import mask_text

KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("curl -u ann:hunter2 https://host", ["ann:hunter2"]),
        ("curl -uann:hunter2 https://host", ["ann:hunter2"]),
        ('curl -s --user "ann:two words" https://host', ["ann:two words"]),
        ("curl https://host \\\n  --proxy-user ann:hunter2", ["ann:hunter2"]),
        ("run(['curl', '-u', 'ann:hunter2', url])", ["ann:hunter2"]),
        ("curl -u $USER:$PASS https://host", []),
        ("curl -u user:password https://host", []),
        ("curl -u ann https://host:80", []),
        ("mysql -u root -phunter2 db", ["hunter2"]),
        ("mysqldump -p --protocol=tcp -P 3306 db", []),
        ("mysql -p$PASS db", []),
        ("sshpass -p 'two words' ssh host", ["two words"]),
        ("docker login -u ann -p hunter2 host", ["hunter2"]),
        ("docker run -p 80:80 --user 1000:1000 image", []),
        ("echo hunter2 | docker login --password-stdin", ["hunter2"]),
        ("cat file | docker login --password-stdin", []),
        ("openssl enc -pass pass:hunter2", ["pass:hunter2"]),
        ("openssl enc -pass env:PASS", []),
        ("train --password hunter2", ["hunter2"]),
        ('train --password "two words 2"', ["two words 2"]),
        ("train --password required", []),
        ("usage: train [--password PASSWORD] [--token TOKEN]", []),
        ("train --user_emb a:b --tokenizer bert-base --pad_token x1", []),
        ('["--password", "hunter2"]', ["hunter2"]),
        ('("--password", "-p", help="x")', []),
        ('option("--password", "db_password")', []),
        (f"wandb login {KEY}", [KEY]),
        (f"wandb login --relogin --host=https://host {KEY}", [KEY]),
        ("wandb login $KEY", []),
        ("huggingface-cli login --token abcdefgh12345678", ["abcdefgh12345678"]),
        ("aws configure set aws_secret_access_key abc/DEF012", ["abc/DEF012"]),
        ("dvc remote modify --local store password hunter2", ["hunter2"]),
        ("git config --global user.name ann2", []),
    ],
)
def test_what_is_a_secret_on_a_command_line(text: str, secrets: list[str]) -> None:
    assert [one.value for one in on_command_lines(text)] == secrets
    masked = mask_text(text)
    assert masked == mask_text(masked)
    assert not any(secret in masked for secret in secrets)
    assert (masked == text) is not bool(secrets) or "http" in text


@pytest.mark.parametrize("value", ["$PASS", "${PASS}", "<pw>", "{pw}", "PASSWORD", "your-token", "***", "xxxx", "pw"])
def test_a_word_in_the_place_of_a_secret_is_none(value: str) -> None:
    assert stands_for_another(value)
