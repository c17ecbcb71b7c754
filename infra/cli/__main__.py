"""The command `router`: wrong input gets one line that says what to do, never a traceback."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache

from typer.main import get_command

from infra.cli.app import app
from infra.cli.failures import Failure, failure_of, log_in_lines
from infra.cli.output import print_json
from infra.cli.work import Work

NAME = "router"


def main(arguments: Sequence[str] | None = None, work: Work | None = None) -> int:
    """Run the command and return its exit code; `work` is what the command works with, if not what its options say."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    log_in_lines()
    try:
        returned = _command()(args=given, prog_name=NAME, standalone_mode=False, obj=work)
    except Exception as error:  # the edge: whatever went wrong is one line
        if os.environ.get("ROUTER_TRACEBACK"):
            raise
        return _fail(failure_of(error), as_json="--json" in given)
    return returned if isinstance(returned, int) else 0


@cache
def _command() -> Callable[..., object]:
    """Return the command, made once: that takes 20 ms."""
    return get_command(app)


def _fail(failure: Failure, *, as_json: bool) -> int:
    if as_json and failure.line:
        print_json(failure.document)
    if failure.line:
        print(f"{NAME}: {failure.line}", file=sys.stderr)
    return failure.exit_code


if __name__ == "__main__":
    sys.exit(main())
