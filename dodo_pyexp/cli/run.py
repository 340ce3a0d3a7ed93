"""``pyexp run``."""

from __future__ import annotations

import os
from argparse import Namespace

from ..arguments import Parser, add_build_flags
from ..errors import UsageError


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    parser.usage = "%(prog)s FILE.yml [OPTION ...] [--KEY VALUE ...]"
    parser.epilog = (
        "Behind the file, --KEY VALUE (or --KEY=VALUE) sets a key of the config to a value of the same type: "
        "--model.width 64."
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="a run file: pyexp's own, Expyrun's or Experimaestro's")
    parser.add_argument(
        "-c", "--conf", metavar="KEY=VALUE", action="append", default=[],
        help="set a key, with the value in YAML: -c lr=1e-4 -c sizes=[1,2] -c layers.0.name=conv",
    )  # fmt: skip
    parser.add_argument(
        "--pre-yaml", metavar="FILE", action="append", default=[], help="a file to merge before this one"
    )
    parser.add_argument(
        "--post-yaml", metavar="FILE", action="append", default=[], help="a file to merge after this one"
    )
    parser.add_argument("--show", action="store_true", help="print the merged config as JSON, and execute nothing")
    parser.add_argument("--origins", action="store_true", help="with --show: the file and line of each value")
    parser.add_argument(
        "--run-mode", metavar="MODE", default="normal",
        help="normal, dry_run (execute nothing), generate_only (write the configs of all runs down, execute nothing) "
        "or prepare (only what other runs depend on)",
    )  # fmt: skip
    parser.add_argument("--debug", action="store_true", help="write below DEBUG/, and keep no copy of the code")
    parser.add_argument("--workdir", metavar="DIR", help="where everything is written, whatever the file says")
    parser.add_argument("--file", dest="code_file", metavar="FILE", help="the Python file with the entry point")
    parser.add_argument("--module-name", metavar="MODULE", help="the module with the entry point")
    parser.add_argument(
        "--env",
        metavar=("NAME", "VALUE"),
        nargs=2,
        action="append",
        default=[],
        help="add a variable to the environment",
    )
    add_build_flags(parser)
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what would be executed, and why")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")


def parse(parser: Parser, words: list[str]) -> Namespace:
    """Read the words behind the command: options, and overrides of the config.

    Raises
    ------
    UsageError
        They make no sense.
    """
    from ..runfiles.launch import is_key
    from ..runfiles.words import split_words

    options, pairs = split_words(words, parser, is_key)
    arguments = parser.parse_args(options)
    if arguments.file is None:
        parser.error("name a run file")
    arguments.pairs, arguments.words = pairs, words
    return arguments


def run(arguments: Namespace) -> int:
    """Show the run file or carry it out, and give the exit status."""
    from ..runfiles import launch
    from ..runfiles.document import find_file
    from ..runfiles.variables import refused_variable
    from ..runfiles.wanted import Wanted, run_mode

    for name, value in arguments.env:
        if wrong := refused_variable(name, value):
            raise UsageError(f"--env: {wrong}")
    os.environ.update(arguments.env)
    wanted = Wanted(
        find_file(arguments.file),
        arguments,
        pre=[find_file(name) for name in arguments.pre_yaml],
        post=[find_file(name) for name in arguments.post_yaml],
        conf=arguments.conf,
        pairs=arguments.pairs,
        mode=run_mode(arguments.run_mode),
        debug=arguments.debug,
        workdir=arguments.workdir,
        file=arguments.code_file,
        module=arguments.module_name,
        words=arguments.words,
    )
    if arguments.show:
        launch.show(wanted, origins=arguments.origins)
        return 0
    return launch.launch(wanted)
