"""Keys of secrets: which keys of a config say that their value is one, and configs without these values.

Another API key is not another config: it is hashed as ``***``, which is also what is written down of it.
"""

from __future__ import annotations

import re
from itertools import pairwise

from .config import Config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

MASKED = "***"

# Words that make a key secret wherever they stand, whatever the value is.
_PLAIN = frozenset((
    "password", "passwords", "passwd", "passphrase", "secret", "secrets", "credential", "credentials",
    "apikey", "accesskey", "privatekey", "secretkey", "authtoken", "accesstoken", "jwt", "bearer",
    "authorization", "cookie", "cookies",
))  # fmt: skip
# The same without a word's end in sight: PGPASSWORD.
_ENDS = (
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "apitoken",
    "authtoken",
    "accesstoken",
    "identitytoken",
    "credentials",
)
# Words that make a key secret at its end...
_LAST = frozenset(("token", "key", "pwd", "pass", "pw"))
_OF_SERVICES = ("key", "keys", "token", "tokens", "pass", "pw", "pwd")
# ... and the words before it that clear it: special tokens of a vocabulary,
_SPECIAL = frozenset((
    "pad", "eos", "bos", "unk", "mask", "sep", "cls", "stop", "start", "end", "begin", "special", "first",
    "last", "next", "separator", "newline", "blank", "pooling", "placeholder", "initializer", "trigger",
    "think", "tool", "class",
    "page", "continuation", "pagination", "cursor", "idempotency", "sync", "resume",  # of a service that is asked again
))  # fmt: skip
# What an AWS call is known by, if it is repeated; Vault's `client_token` is a secret.
_OF_CALLS = frozenset(
    ("clientToken", "ClientToken", "clientRequestToken", "ClientRequestToken", "client_request_token")
)
# parts of samples, models and tables that a key picks out,
_PICKED = frozenset((
    "action", "answer", "audio", "batch", "cache", "caption", "cfg", "column", "config", "data", "dataset",
    "df", "dict", "feature", "features", "field", "foreign", "frame", "group", "id", "image", "img", "index",
    "input", "inputs", "item", "join", "json", "label", "labels", "layer", "lookup", "loss", "map", "mask",
    "metric", "model", "module", "monitor", "npz", "obs", "observation", "output", "outputs", "param",
    "partition", "position", "pred", "prediction", "primary", "prompt", "query", "question", "result",
    "reward", "row", "sample", "score", "sort", "source", "split", "src", "stage", "state", "table", "target",
    "task", "text", "tgt", "time", "timestamp", "video",
    "tokenizer", "embedding",
))  # fmt: skip
# and passes over data, of filters, of compilers.
_PASSES = frozenset((
    "second", "one", "two", "single", "multi", "low", "high", "band", "all", "forward", "backward", "first",
    "third", "last", "both", "train", "test", "full",
))  # fmt: skip
QUALIFIED = frozenset(("api", "access", "account", "auth", "private", "ssh", "refresh", "signing", "encryption"))
# Sections whose ``key`` is that of a service.
_SERVICES = QUALIFIED | frozenset((
    "anthropic", "aws", "azure", "clearml", "cohere", "comet", "datadog", "deepseek", "discord", "gcp",
    "gemini", "github", "gitlab", "google", "hf", "huggingface", "kaggle", "login", "mistral", "mlflow",
    "neptune", "openai", "openrouter", "pinecone", "replicate", "roboflow", "s3", "sendgrid", "sentry",
    "service", "slack", "stripe", "telegram", "twilio", "wandb",
))  # fmt: skip
# What is said of a key of a service behind its name: these are no secrets themselves.
ABOUT = frozenset((
    "id", "ids", "name", "names", "file", "path", "dir", "env", "var", "variable", "url", "uri", "header",
    "type", "prefix", "suffix", "size", "length", "count", "limit", "ttl", "expiry", "index", "column",
    "field",
))  # fmt: skip
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# How the variables of a container, or the settings of a service, are listed: as pairs of these.
NAMES, VALUES = ("name", "Name", "key", "Key"), ("value", "Value")
_FOLDERS = ("/", "~", "./", "../", "\\")
_MOST = 20_000


def secret_key(key: str, value: object = "...", within: str = "") -> bool:
    """Tell whether the key of a value says that the value is a secret.

    Parameters
    ----------
    key
        The key; a dotted one is judged by its last parts.
    value
        The value.
    within
        The key of the section that it stands in.

    Examples
    --------
    >>> [secret_key(key) for key in ("api_key", "wandb.token", "dbPassword", "eos_token", "max_tokens")]
    [True, True, True, False, False]
    >>> [secret_key("key", "abc", section) for section in ("wandb", "model")]
    [True, False]
    >>> [secret_key("auth", value) for value in ("YW5uOmh1bnRlcjI=", "basic")]
    [True, False]
    """
    words = words_of(key)
    if not words or value is None or isinstance(value, bool) or (isinstance(value, str) and not value):
        return False
    if not _PLAIN.isdisjoint(words) or any(word.endswith(_ENDS) for word in words):
        return True
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last == "auth":  # as Docker keeps a login
        return isinstance(value, str) and is_login(value)
    if last not in ABOUT and any(one in QUALIFIED and two in _OF_SERVICES for one, two in pairwise(words)):
        return True
    if last not in _LAST or isinstance(value, (int, float, dict)):  # a number of tokens, or a random key, is none
        return False
    if last == "key":
        if not before:
            return bool(within) and words_of(within)[-1:] != [] and words_of(within)[-1] in _SERVICES
        return before not in _SPECIAL and before not in _PICKED
    if last == "token":
        return before not in _SPECIAL and before not in _PICKED and key.rpartition(".")[2] not in _OF_CALLS
    if last == "pwd":  # PWD is the shell's: the current folder
        return bool(before) or (key != "PWD" and not (isinstance(value, str) and value.startswith(_FOLDERS)))
    return before not in _PASSES and not (isinstance(value, str) and value.lower() in _PASSES)


def is_login(text: str) -> bool:
    """Tell whether a text in base64 is a login: a name and a password.

    Examples
    --------
    >>> is_login("YW5uOmh1bnRlcjI="), is_login("YW5uaWU="), is_login("positional")
    (True, False, False)
    """
    import base64

    try:
        return ":" in (decoded := base64.b64decode(text, validate=True).decode()) and decoded.isprintable()
    except ValueError:
        return False


def key_of(section: Mapping[Any, Any], key: Any) -> str:
    """Give the key by which a value of a section is judged: in a pair of a name and a value, that is the name.

    Examples
    --------
    >>> key_of({"name": "DB_PASSWORD", "value": "hunter2"}, "value"), key_of({"value": 1}, "value")
    ('DB_PASSWORD', 'value')
    """
    if key in VALUES:
        name = next((section[one] for one in NAMES if one in section), None)
        if isinstance(name, str):
            return name
    return str(key)


def words_of(key: str) -> list[str]:
    """Take the name of a key apart; a number at its end (`token_2`, `api_keys.0`) says nothing about it."""
    words = [word.lower() for word in _WORD.findall(key)]
    while words and words[-1].isdigit():
        words.pop()
    return words


class SecretKeys:
    """The keys that are those of secrets, in one experiment.

    Parameters
    ----------
    secret, not_secret
        Keys that are, or are not, whatever they look like: the name of a key, or the end of its dotted path.

    Examples
    --------
    >>> keys = SecretKeys(secret=["salt"], not_secret=["model.token"])
    >>> keys.hidden(Config(salt="x1", model={"token": "[CLS]"}, api_key="abc"))
    salt: '***'
    model:
      token: '[CLS]'
    api_key: '***'
    """

    __slots__ = ("_not_secret", "_secret", "_suspicious")

    def __init__(self, secret: Collection[str] = (), not_secret: Collection[str] = ()) -> None:
        self._secret = tuple(secret)
        self._not_secret = tuple(not_secret)
        self._suspicious: dict[tuple[str, tuple[Any, ...]], tuple[Any, ...]] = {}

    def names(self, key: str, value: object = "...", path: str = "") -> bool:
        """Tell whether the value of a key is a secret; `path` is that of the section, dotted."""
        told = self._told(key, path)
        return secret_key(key, value, path.rpartition(".")[2]) if told is None else told and value is not None

    def hides(self, section: Mapping[Any, Any], key: Any, path: str = "") -> bool:
        """Tell whether a value in a section, of a dotted path, is a secret; in a pair its name counts as its key.

        A whole config is no pair: its name is that of a run.
        """
        name = key_of(section, key) if path else str(key)
        told = self._told(str(key), path) if name != key else None
        return self.names(name, section[key], path) if told is None else told and section[key] is not None

    def _told(self, key: str, path: str) -> bool | None:
        """Give what the user says of a key; None if that is nothing."""
        if self._secret or self._not_secret:
            whole = f"{path}.{key}" if path else key
            for told, answer in ((self._not_secret, False), (self._secret, True)):
                if any(whole == one or whole.endswith(f".{one}") for one in told):
                    return answer
        return None

    def suspicious(self, section: Mapping[Any, Any], path: str = "") -> tuple[Any, ...]:
        """Name the keys of a section whose values may be secrets; thousands of configs have the same keys."""
        known = path, tuple(section)
        found = self._suspicious.get(known)
        if found is None:
            if len(self._suspicious) > _MOST:
                self._suspicious.clear()
            found = tuple(key for key in section if self.names(str(key), path=path) or self._may_be(section, key))
            self._suspicious[known] = found
        return found

    @staticmethod
    def _may_be(section: Mapping[Any, Any], key: Any) -> bool:
        """Tell whether it depends on the values whether one of them is a secret."""
        return (key in VALUES and any(name in section for name in NAMES)) or words_of(str(key))[-1:] == ["auth"]

    def hidden(self, config: Config) -> Config:
        """Give the config as it is hashed, ``***`` for each value under the key of a secret; itself, if it has none."""
        found: Config = self._hidden(config, "")
        return found

    def _hidden(self, value: Any, path: str) -> Any:
        if isinstance(value, dict):
            made = None
            for key in self.suspicious(value, path):
                if value[key] != MASKED and self.hides(value, key, path):
                    made = value.copy() if made is None else made
                    made[key] = MASKED
            for key, item in value.items():
                if isinstance(item, (dict, list, tuple)) and (made is None or made[key] is item):
                    without = self._hidden(item, f"{path}.{key}" if path else str(key))
                    if without is not item:
                        made = value.copy() if made is None else made
                        made[key] = without
            return value if made is None else made
        if isinstance(value, (list, tuple)):
            items = [self._hidden(item, path) for item in value]
            if all(new is old for new, old in zip(items, value, strict=True)):
                return value
            return tuple(items) if isinstance(value, tuple) else items
        return value
