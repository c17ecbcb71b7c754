"""A process that has imported what is not ours, and forks for each job: so a mutant costs no start-up.

`python -m tests.mutants.forkserver CACHE [PACKAGE ...]` reads jobs from standard input, one JSON line each, and answers
in the same order. CACHE is a folder for bytecode of its own; PACKAGEs of ours, which no job changes, are imported too.
"""

import gc
import json
import os
import select
import signal
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from pkgutil import walk_packages
from typing import IO, Any

from tests.mutants.worker import TIMED_OUT, Job, leave, run

HEAVY = (
    "_hypothesis_pytestplugin",
    "_pytest.junitxml",
    "_pytest.setupplan",
    "_pytest.skipping",
    "_pytest.unittest",
    "_pytest.unraisableexception",
    "aws_lambda_powertools",
    "boto3",
    "botocore.session",
    "botocore.waiter",
    "botocore.paginate",
    "cryptography.x509",
    "dateutil.parser",
    "hypothesis.internal.conjecture.engine",
    "moto",
    "moto.dynamodb.models",
    "moto.dynamodb.responses",
    "moto.secretsmanager.responses",
    "moto.sqs.responses",
    "pydantic.dataclasses",
    "pydantic.networks",
    "pydantic.types",
    "requests",
    "urllib3.contrib",
    "yaml",
)


def main() -> None:
    """Serve until standard input ends."""
    sys.dont_write_bytecode = False
    sys.pycache_prefix = sys.argv[1]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for name in HEAVY:
        with suppress(ImportError):
            import_module(name)
    for name in sys.argv[2:]:
        package = import_module(name)
        for module in walk_packages(package.__path__, f"{name}."):
            import_module(module.name)
    # a child looks through none of this for garbage: it would copy the pages, too
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        timeout_s = request.pop("timeout_s")
        job = Job(tests=tuple(request.pop("tests")), **request)
        print(json.dumps(_in_a_fork(job, timeout_s)), file=answers, flush=True)


def _in_a_fork(job: Job, timeout_s: float) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w") as told:
            _serve_one(job, told)
        leave(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        ready, _, _ = select.select([told], [], [], timeout_s)
        if not ready:
            os.kill(child, signal.SIGKILL)
        answer = told.read() if ready else ""
    os.waitpid(child, 0)
    if not ready:
        return {
            "exit_code": TIMED_OUT,
            "is_used": True,
            "killed_by": "timeout",
            "words": f"over {timeout_s} s",
        }
    return json.loads(answer) if answer else {"exit_code": -3, "is_used": True, "words": "the worker died"}


def _serve_one(job: Job, told: IO[str]) -> None:
    os.setsid()
    try:
        json.dump(run(job), told)
    except BaseException:  # noqa: BLE001 - whatever it was, the parent must hear of it
        json.dump({"exit_code": -4, "is_used": True, "words": traceback.format_exc()[-1500:]}, told)


if __name__ == "__main__":
    main()
