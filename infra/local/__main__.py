"""The local stack's command: `python -m infra.local up|down|run|logs|build`."""

import argparse
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from botocore.exceptions import BotoCoreError, ClientError

from infra.local import demo, emulator
from infra.local.build import build
from infra.local.demo import DemoError
from infra.local.emulator import EmulatorError
from infra.local.home import SHARED, Home
from infra.local.lifecycle import bring_up, read_facts, take_down
from infra.local.logs import follow
from infra.local.progress import step
from infra.local.sam import SamError
from infra.local.stack import Stack


def up(home: Home, parameters: dict[str, str]) -> None:
    """Bring the stack up in the background."""
    facts = bring_up(home, parameters)
    print(f"   {facts['api_url']}  (facts in {home.facts})")


def down(home: Home, _parameters: dict[str, str]) -> None:
    """Stop the stack; its state is kept."""
    take_down(home)


def run(home: Home, parameters: dict[str, str]) -> None:
    """Bring the stack up, show two orders, follow the logs until Ctrl-C, and stop it."""
    started = datetime.now(tz=UTC)
    try:
        facts = bring_up(home, parameters)
        demo.run(facts)
        print("\n   the functions' logs follow; Ctrl-C stops the stack", flush=True)
        follow(Stack(facts["endpoint_url"]), since=started)
    except KeyboardInterrupt:
        print()
    finally:
        # A second Ctrl-C must not leave the emulator behind, half saved.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        take_down(home)


def logs(home: Home, _parameters: dict[str, str]) -> None:
    """Follow the logs of a running stack until Ctrl-C."""
    if emulator.find_running(home) is None:
        raise EmulatorError("the local stack is not running: make up")
    follow(Stack(read_facts(home)["endpoint_url"]), since=datetime.now(tz=UTC))


def build_only(_home: Home, _parameters: dict[str, str]) -> None:
    """Build without starting anything."""
    with step("build") as note:
        _, built = build()
        note.text = "" if built else "nothing changed"


COMMANDS = {"up": up, "down": down, "run": run, "logs": logs, "build": build_only}


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description="The local stack.")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--home", type=Path, default=SHARED, help="the instance's folder (.local)")
    parser.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", help="of the template"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run a command; give the exit code."""
    options = _parse(arguments)
    home = Home(options.home.resolve())
    home.path.mkdir(parents=True, exist_ok=True)
    parameters = dict(pair.split("=", 1) for pair in options.parameter)
    # A polite kill is handled as Ctrl-C is.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        COMMANDS[options.command](home, parameters)
    except (SamError, EmulatorError, DemoError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        words = f"the local stack did not do as it was asked: {error}"
        print(f"\n{words} (was it stopped meanwhile? its output is in {home.log})", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
