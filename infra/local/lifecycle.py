"""Brings an instance up and takes it down, step by step."""

from typing import Any

from infra.local import emulator, seed
from infra.local.alone import alone
from infra.local.build import build
from infra.local.deploy import deploy, local_parameters, needs_deploy, remember
from infra.local.emulator import Emulator
from infra.local.environment import OPERATOR_KEY
from infra.local.home import REGION, Home, read_json, write_json
from infra.local.progress import step
from infra.local.routes import API, create_routes
from infra.local.stack import Stack
from order_router.aws.session_table import LoginTicketsTable


def bring_up(home: Home, parameters: dict[str, str]) -> dict[str, Any]:
    """Build, start, deploy and seed what is not yet there; give the stack's facts."""
    with step("build") as note:
        digest, built = build()
        note.text = "" if built else "nothing changed"
    with alone(home.lock):
        return _brought_up(home, parameters, digest)


def _brought_up(home: Home, parameters: dict[str, str], digest: str) -> dict[str, Any]:
    running = _ensure_emulator(home)
    stack = Stack(running.endpoint_url)
    parameters = local_parameters(parameters)
    wanted = {"sources": digest, **parameters}
    if needs_deploy(stack, wanted):
        _deploy(stack, parameters)
        remember(stack, wanted)
    with step("seed"):
        keys = seed.seed(stack, read_json(home.facts))
    facts = _facts(stack, running) | keys
    _note_address(stack, facts["api_url"])
    write_json(home.facts, facts)
    return facts


def take_down(home: Home) -> bool:
    """Stop the emulator, its state saved; tell whether there was one."""
    with alone(home.lock), step("stop") as note:
        stopped = emulator.stop(home)
        note.text = "" if stopped else "was not running"
    return stopped


def _ensure_emulator(home: Home) -> Emulator:
    with step("emulator") as note:
        running = emulator.find_running(home)
        note.text = "was running" if running else ""
        running = running or emulator.start(home)
        note.text += f" {running.endpoint_url}"
    return running


def _deploy(stack: Stack, parameters: dict[str, str]) -> None:
    with step("deploy"):
        deploy(stack, parameters)
    with step("routes") as note:
        note.text = f"{create_routes(stack)} routes"


def _facts(stack: Stack, running: Emulator) -> dict[str, Any]:
    api_url = f"{running.endpoint_url}/_aws/execute-api/{stack.physical_ids[API]}"
    return {
        "api_url": api_url,
        "webhook_url": f"{api_url}/v1/webhooks/tradingview",
        "endpoint_url": running.endpoint_url,
        "access_key": OPERATOR_KEY,
        "secret_key": OPERATOR_KEY,
        "region": REGION,
        "stack_name": stack.name,
        "pid": running.pid,
        "port": running.port,
        "outputs": stack.outputs,
    }


def _note_address(stack: Stack, api_url: str) -> None:
    """Tell the stack where a browser on this machine reaches it: the emulator's own name for it does not resolve."""
    tickets = LoginTicketsTable(stack.client("dynamodb"), stack.outputs["GateTableName"])
    tickets.remember_address(api_url)


def read_facts(home: Home) -> dict[str, Any]:
    """Read what the last start wrote down."""
    return read_json(home.facts)
