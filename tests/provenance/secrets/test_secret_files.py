"""Files that look like secrets."""

from __future__ import annotations

import base64
import json

import pytest

from dodo_pyexp.provenance.secrets.secret_files import secret_content, secret_file


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


def test_bytes_are_searched_for_tokens_only() -> None:
    assert secret_content(b"\0" + b'password = "planted_secret"', "weights.bin") is None
    assert secret_content(b"\0" + b"ghp_0123456789abcdefghij0123456789abcdef", "weights.bin") == "holds a GitHub token"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def cells(*lines: str) -> str:
    """Give a notebook with one cell."""
    return json.dumps({"cells": [{"cell_type": "code", "source": [f"{line}\n" for line in lines]}]})


KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
PLANTED = [
    ("one.sh", "PGPASSWORD=planted01 psql -h db\n"),
    ("one_quoted.sh", "PGPASSWORD='planted02' pg_dump x\n"),
    ("container.sh", "docker run -e DB_PASSWORD=planted03 image\n"),
    ("build.sh", "docker build --build-arg API_KEY=planted04 .\n"),
    ("cluster.sh", "kubectl create secret generic s --from-literal=password=planted05\n"),
    ("pod.yaml", "env:\n  - name: DB_PASSWORD\n    value: planted06\n"),
    ("env.sh", "env WANDB_API_KEY=planted07 python train.py\n"),
    ("publish.sh", "poetry config pypi-token.pypi planted080123456789\n"),
    ("typed.py", 'TOKEN: Final[str] = "planted090123456789"\n'),
    ("fetch.sh", ("#!/bin/sh\ncurl -sSL -u ann:Planted01x https://x.org/d.tgz -o d.tgz\n")),
    ("fetch2.py", ("import subprocess\nsubprocess.run(['curl', '--user', 'ann:Planted02x', 'https://x'])\n")),
    ("up.sh", ("mysqldump -h db -u root -pPlanted03x runs > runs.sql\n")),
    ("tunnel.sh", ("sshpass -p 'Planted 04 x' ssh ann@host\n")),
    ("push.sh", ("docker login -u ann -p Planted05x registry.org\ndocker push x\n")),
    ("nb1.ipynb", cells("%env WANDB_API_KEY=" + KEY + "", "import x")),
    ("nb2.ipynb", cells("%env API_KEY Planted07xx", "import x")),
    ("nb3.ipynb", cells("import os", 'os.environ["OPENAI_API_KEY"] = "Planted08xx"')),
    ("nb4.ipynb", cells("!huggingface-cli login --token abcPlanted09xx12345")),
    ("nb5.ipynb", cells("!wandb login " + KEY + "")),
    ("users.csv", ("name,password,role\nann,Planted11x,admin\nbob,Planted11y,user\n")),
    ("accessKeys.csv", ("Access key ID,Secret access key\nAKX,Planted12xABCDEF0123456789\n")),
    ("logins.tsv", ("user\tapi_key\nann\tPlanted13x\n")),
    ("docker/config.json", ('{"auths": {"registry.org": {"auth": "' + encoded("ann:Planted14x") + '"}}}')),
    (
        "setup_netrc.py",
        ('open(".netrc","w").write("""machine api.wandb.ai\n  login user\n  password Planted15x\n""")\n'),
    ),
    ("kube/config", ("apiVersion: v1\nusers:\n- name: ann\n  user:\n    token: Planted16x0123456789abc\n")),
    (
        "kubeconfig.yaml",
        "users:\n- name: ann\n  user:\n    client-key-data: "
        + encoded("-----BEGIN RSA PRIVATE KEY-----\n" + "Planted17" * 9)
        + "\n",
    ),
    ("pgpass.txt", ("db.x.org:5432:runs:ann:Planted18x\n")),
    ("npmrc", ("//registry.npmjs.org/:_authToken=11111111-2222-Planted19x\n")),
    ("pypirc.ini", ("[pypi]\nusername = __token__\npassword = Planted20x\n")),
    ("requirements.txt", ("--index-url https://ann:Planted21x@pypi.x.org/simple\nnumpy\n")),
    ("gitremote.sh", ("git remote set-url origin https://ann:Planted22x@git.x.org/a.git\n")),
    ("db.py", ('engine = create_engine("postgresql+psycopg2://ann:Planted23x@db/runs")\n')),
    ("Main.java", ('String u = "jdbc:mysql://h/db?user=ann&password=Planted24x";\n')),
    ("mssql.py", ('c = pyodbc.connect("Driver=x;Server=h;Uid=sa;Pwd=Planted25x;Encrypt=yes")\n')),
    ("api.py", ('h = {"Authorization": "Bearer Planted26x-abcdef"}\n')),
    ("api2.py", ('h = {"Authorization": "Token Planted27x0123456789"}\n')),
    ("basic.yaml", ("headers:\n  Authorization: Basic " + encoded("ann:Planted28x") + "\n")),
    ("job.sbatch", ("#!/bin/bash\n#SBATCH -n 1\nexport HF_TOKEN=Planted29x0123456\npython t.py\n")),
    ("env_default.py", ('k = os.getenv("API_KEY", "Planted30x")\n')),
    ("cli.py", ('p.add_argument("--password", type=str, default="Planted31x", help="pw")\n')),
    ("req.py", ('requests.get(url, auth=("ann", "Planted32x"))\n')),
    ("mail.py", ('s = smtplib.SMTP("h")\ns.login("ann@x.org", "Planted33x")\n')),
    ("wb.py", ('wandb.login(key="Planted34x")\n')),
    ("kaggle_setup.py", ('json.dump({"username": "ann", "key": "0123456789abcdef0123456789abcd35"}, f)\n')),
    ("aws.sh", ("aws configure set aws_secret_access_key Planted36xABCDEF/123\n")),
    ("dvc.sh", ("dvc remote modify --local store password Planted37x\n")),
    ("init.sql", ("CREATE USER ann WITH PASSWORD 'Planted38x';\n")),
    ("Dockerfile", ("FROM python\nENV WANDB_API_KEY Planted39x\n")),
    ("compose.yml", ("services:\n  db:\n    environment:\n      - POSTGRES_PASSWORD=Planted40x\n      - X=1\n")),
    ("hdr.sh", ("curl -H 'X-API-Key: Planted41x' https://x\n")),
    ("hdr.py", ("cmd = \"curl -H 'X-Api-Key: Planted42x' https://x\"\n")),
    ("psql.py", ('dsn = "host=db user=ann password=Planted43x dbname=r"\n')),
    ("README.md", ("Run `train --password Planted44x`\n")),
    ("run.py", ("os.system(\"train --password 'Planted 45 x'\")\n")),
    ("stdin.sh", ("echo Planted46x | docker login -u ann --password-stdin reg\n")),
    ("tg.py", ('BOT = "1234567890:AAPlanted47abcdefghijklmnopqrstuvwx"\n')),
    ("conf.json", ('{"db": {"user": "ann", "passwd": "Planted48x"}}')),
    ("app.properties", ("spring.datasource.password=Planted49x\n")),
    ("settings.toml", ('[wandb]\napi_key = "Planted50x"\n')),
    ("submit.slurm", ("#SBATCH -p gpu\nwget --http-user=ann --http-password=Planted51x https://x\n")),
    ("redis.sh", ("redis-cli -h r -a Planted52x ping\n")),
    ("hf.py", ('from huggingface_hub import login\nlogin(token="hf_' + 'Planted53abcdefghijklmn")\n')),
    ("ssl.sh", ("openssl enc -d -aes256 -pass pass:Planted54x -in d\n")),
]


@pytest.mark.parametrize(("name", "content"), PLANTED, ids=[name for name, _ in PLANTED])
def test_a_file_with_a_secret_is_known(name: str, content: str) -> None:
    reason = secret_content(content.encode(), name)
    assert reason is not None and "lanted" not in reason and KEY not in reason


ORDINARY = [
    ("cluster.sh", "srun -p gpu --pty bash\nsbatch -p long -u x\nrsync -avP a b\n"),
    ("words_of_a_game.csv", "id,secret_word,guess\n1,apple,pear\n"),
    ("publish.yml", "- run: twine upload -u __token__ -p ${{ secrets.PYPI }} dist/*\n"),
    ("empty.ini", "[wandb]\napi_key =\ntoken = none\npassword = changeme\n"),
    ("calls.md", "connect(user=ann, password=my_password2)\n"),
    (
        "train.py",
        (
            'p.add_argument("--password", help="the password")\n'
            'p.add_argument("--token", type=str, default=None)\n'
            'p.add_argument("--pad-token", default="[PAD]")\n'
        ),
    ),
    ("train2.sh", ("python train.py --user_emb a:b --tokenizer bert-base-uncased --pad_token '[PAD]' --lr 0.1\n")),
    (
        "docker.sh",
        (
            "docker run --user 1000:1000 -p 8888:8888 -e HF_TOKEN -e WANDB_API_KEY=$WANDB_API_KEY img\n"
            "docker run -p8080:80 x\n"
        ),
    ),
    (
        "curl.sh",
        ('curl -u $USER:$PASS https://x\ncurl -u user:password https://x\ncurl -u "$U:$P" x\ncurl -o a:b https://x\n'),
    ),
    ("words.csv", ('token,lemma,pos\nthe,the,DET\nrunning2,run,VERB\n"a,b",x,PUNCT\n')),
    ("ner.tsv", ("id\ttoken\tlabel\n1\tParis\tB-LOC\n2\t1,234.56\tO\n")),
    (
        "bpe.csv",
        (
            "token,id\n"
            "Ġthe,1\n"
            "##ing,2\n"
            "tok0,0\n"
            "tok1,1\n"
            "tok2,2\n"
            "tok3,3\n"
            "tok4,4\n"
            "tok5,5\n"
            "tok6,6\n"
            "tok7,7\n"
            "tok8,8\n"
            "tok9,9\n"
            "tok10,10\n"
            "tok11,11\n"
            "tok12,12\n"
            "tok13,13\n"
            "tok14,14\n"
            "tok15,15\n"
            "tok16,16\n"
            "tok17,17\n"
            "tok18,18\n"
            "tok19,19\n"
        ),
    ),
    ("keys.csv", ("key,value\na,1\nb,2\n")),
    ("strength.csv", ("password_length,has_password,score\n8,yes,0.1\n")),
    (
        "tokenizer_config.json",
        (
            '{"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>", "tokenizer_class": "GPT2'
            'Tokenizer", "add_bos_token": true, "mask_token": "<mask>"}'
        ),
    ),
    (
        "special_tokens_map.json",
        (
            '{"bos_token": {"content": "<|begin_of_text|>", "lstrip": false}, "additional_special_token'
            's": ["<|im_start|>user01"]}'
        ),
    ),
    ("conf.yaml", ("auth: true\nuse_auth_token: true\nauthor: ann\nmodel: {key_dim: 64, num_key_value_heads: 8}\n")),
    (
        "conf2.yaml",
        ("logger:\n  api_key: ${oc.env:WANDB_API_KEY}\n  token: ${HF_TOKEN}\nmonitor_key: val_loss_epoch_001_mean\n"),
    ),
    (
        "conf3.yaml",
        (
            "optimizer: {name: adam, passes: 3}\n"
            "pass: second\n"
            "first_stage_key: image_first_stage_0001\n"
            "max_tokens: 2048\n"
        ),
    ),
    (
        "env.py",
        (
            'k = os.environ["API_KEY"]\n'
            't = os.environ.get("HF_TOKEN", None)\n'
            'u = os.getenv("DB_PASSWORD", "")\n'
            'v = os.getenv("API_KEY", "your-api-key")\n'
        ),
    ),
    (
        "login.py",
        ('wandb.login(key=os.environ["WANDB_API_KEY"])\nlogin(token=token)\nclient.login(username, password)\n'),
    ),
    (
        "jax_keys.py",
        (
            "key, sub_key = jax.random.split(rng_key)\n"
            'random_key = "params"\n'
            "key = jax.random.PRNGKey(0)\n"
            'cache_key = "resnet50_imagenet_2012_v1"\n'
        ),
    ),
    (
        "attn.py",
        (
            "class Attn:\n"
            "    def forward(self, query, key, value, key_padding_mask=None):\n"
            "        key_states = self.k_proj(x)\n"
            '        token_ids = tokens["input_ids"]\n'
            '        q, k = "query:0", "key:0"\n'
        ),
    ),
    (
        "url.py",
        (
            'u = f"postgresql://{user}:{password}@{host}/x"\n'
            'v = "https://user:password@host/x"\n'
            'w = "http://<user>:<token>@x"\n'
            'x = "https://huggingface.co/@ann"\n'
        ),
    ),
    ("test_db.py", ('URL = "postgresql://postgres:postgres@localhost:5432/test"\n')),
    (
        "mysql.sh",
        ("mysql -u root -p db < a.sql\nmysql -u root -p$MYSQL_PASSWORD db\nmysqldump --protocol=tcp -P 3306 x\n"),
    ),
    (
        "wandb.sh",
        (
            "wandb login\n"
            "wandb login $WANDB_API_KEY\n"
            "wandb login --relogin\n"
            "wandb sync runs/offline-run-20240101_101010-abcdefgh\n"
        ),
    ),
    (
        "hf.sh",
        (
            "huggingface-cli login --token $HF_TOKEN\n"
            "huggingface-cli download meta-llama/Llama-2-7b --token ${HF_TOKEN}\n"
        ),
    ),
    (
        "usage.md",
        (
            "usage: train [--password PASSWORD] [--token TOKEN] [--api-key <key>]\n"
            "\n"
            "`--password` is required; `--token token` for your token.\n"
            "| --api-key | the key of the service |\n"
        ),
    ),
    (
        "docs.md",
        (
            "Authorization: Bearer <token>\n"
            "Authorization: Token YOUR_TOKEN\n"
            "curl -H 'X-API-Key: <your key>'\n"
            "Set password: required\n"
        ),
    ),
    (
        "nb.ipynb",
        (
            '{"cells":[{"cell_type":"code","source":["%env CUDA_VISIBLE_DEVICES=0\\n","%env TOKENIZERS_P'
            'ARALLELISM false\\n","os.environ[\\"TOKENIZERS_PARALLELISM\\"] = \\"false\\"\\n","!pip install -'
            'q --user transformers==4.30\\n"]}],"metadata":{"kernelspec":{"name":"python3"}}}'
        ),
    ),
    (
        "nb2.ipynb",
        cells(
            "from google.colab import userdata",
            'os.environ["HF_TOKEN"] = userdata.get("HF_TOKEN")',
            "import getpass",
            'pw = getpass.getpass("password: ")',
        ),
    ),
    (
        "netrc.py",
        (
            "machine = platform.machine()\n"
            'print("machine learning login page password reset")\n'
            'netrc.netrc().authenticators("api.wandb.ai")\n'
        ),
    ),
    (
        "log.txt",
        (
            "a.py:5432:5: E501 line too long\n"
            "epoch 1: token accuracy: 0.91, key metric: 0.2\n"
            "password: ok\n"
            "10:20:30 key=val_acc1 loss=0.2\n"
        ),
    ),
    ("ssh.sh", ('sshpass -e ssh x\nsshpass -p "$PW" ssh x\nssh -p 2222 ann@host\nscp -P 2222 a b\n')),
    (
        "dock.sh",
        (
            "echo $TOKEN | docker login -u ann --password-stdin\n"
            'echo "$T" | gh auth login --with-token\n'
            "docker login -u ann -p $PW\n"
        ),
    ),
    (
        "auth.py",
        (
            "auth = (user, password)\n"
            'auth = ("user", os.environ["PW"])\n'
            "requests.get(u, auth=HTTPBasicAuth(user, pw))\n"
            'def auth(a="basic"): ...\n'
            'auth = "positional"\n'
        ),
    ),
    (
        "config.json",
        (
            '{"auth": "none", "author": "YWJj", "auths": {}, "architectures": ["LlamaForCausalLM"], "hi'
            'dden_act": "silu"}'
        ),
    ),
    ("vocab.json", ('{"password": 123, "token": 77, "secret": 5, "api": 6, "passwd": 9}')),
    (
        "kube.yaml",
        (
            "apiVersion: v1\n"
            "kind: Pod\n"
            "spec:\n"
            "  containers:\n"
            "  - env:\n"
            "    - name: HF_TOKEN\n"
            "      valueFrom:\n"
            "        secretKeyRef:\n"
            "          name: hf-secret-v1\n"
            "          key: token\n"
            "  imagePullSecrets: [{name: regcred01}]\n"
        ),
    ),
    (
        "gh.yml",
        (
            "jobs:\n"
            "  t:\n"
            "    steps:\n"
            "    - uses: x\n"
            "      with:\n"
            "        token: ${{ secrets.GITHUB_TOKEN }}\n"
            "        password: ${{ secrets.PYPI_PASSWORD }}\n"
        ),
    ),
    (
        "requirements.txt",
        (
            "--index-url https://pypi.org/simple\n"
            "torch @ git+https://github.com/pytorch/pytorch@v2.1.0\n"
            "git+ssh://git@github.com/ann/x.git@0123456789abcdef0123456789abcdef01234567\n"
        ),
    ),
    (
        "prompts.jsonl",
        (
            '{"prompt": "What is my password?", "answer": "I cannot tell.", "token": "understanding", "'
            'key": "q0001_easy_v2"}\n'
        ),
    ),
    (
        "schema.sql",
        ("CREATE TABLE u (id int, password text, token varchar(40));\nCREATE USER ann WITH PASSWORD :'pw';\n"),
    ),
    ("Makefile", ("login:\n\tdocker login -u $(USER) -p $(PW)\ntrain:\n\tpython t.py --key_metric acc1 --pass 2\n")),
    (
        "Dockerfile",
        ("FROM python:3.11\nARG HF_TOKEN\nENV HF_TOKEN=$HF_TOKEN\nRUN --mount=type=secret,id=hf_token pip install x\n"),
    ),
    (
        "click_cli.py",
        (
            '@click.option("--password", "db_password", prompt=True, hide_input=True)\n'
            '@click.option("--api-key", envvar="WANDB_API_KEY")\n'
            '@click.option("--token", "api_token2")\n'
        ),
    ),
    (
        "names.py",
        (
            'FIELDS = ["username", "password", "email2"]\n'
            'TOKEN_KEY = "token"\n'
            'row.get("password", "password")\n'
            'd.setdefault("key", "value-1")\n'
            'cfg.get("token", "understanding")\n'
        ),
    ),
    ("metrics.csv", ("step,token_acc,key_loss\n1,0.1,0.2\n")),
    (
        "zip.sh",
        (
            "unzip -P x\n"
            "zip -r out.zip data\n"
            "7z x -pv a.7z\n"
            "git config user.name ann01\n"
            "git config user.email ann@x.org\n"
        ),
    ),
    (
        "hparams.yaml",
        (
            "key_size: 128\n"
            "sep_token: '[SEP]'\n"
            "last_key: layer_10_out\n"
            "private: false\n"
            "secret_santa: false\n"
            "auth_mode: token\n"
        ),
    ),
]


@pytest.mark.parametrize(("name", "content"), ORDINARY, ids=[name for name, _ in ORDINARY])
def test_a_file_as_there_are_many_holds_no_secret(name: str, content: str) -> None:
    assert secret_file(name) is None
    assert secret_content(content.encode(), name) is None
