"""What README.md tells a newcomer to type works, and answers what README.md says."""

import json
import re
import subprocess
from typing import Any

import pytest

from tests.system.client import Client
from tests.system.conftest import REPOSITORY, LocalStack

FIRST, END = "## Your first order", "## The order path"
MARK = "--- next block ---"
PLACE, LIST, REST, ALERT = "my-first-order", "positions", "PATCH", "webhook_url"


def _blocks() -> list[str]:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    told = text[text.index(FIRST) : text.index(END)]
    return re.findall(r"^```sh\n(.*?)^```", told, flags=re.DOTALL | re.MULTILINE)


def _values(text: str) -> list[dict[str, Any]]:
    """The JSON objects that one block's commands printed, one after another."""
    decoder, values, position = json.JSONDecoder(), [], 0
    while position < len(text.rstrip()):
        value, position = decoder.raw_decode(text, position)
        values.append(value)
    return values


@pytest.fixture(scope="module")
def answers(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, Any]]]:
    """What each block printed, all typed into one shell in a folder that has the stack's facts."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / ".local").symlink_to(stack.home, target_is_directory=True)
    script = f"\necho '{MARK}'\n".join(_blocks())
    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 - README.md's own shell
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return [_values(part.strip()) for part in finished.stdout.split(MARK)]


def _answers_of(answers: list[list[dict[str, Any]]], word: str) -> list[dict[str, Any]]:
    (found,) = [answer for block, answer in zip(_blocks(), answers, strict=True) if word in block]
    return found


def test_the_first_order_is_answered_filled_and_a_repeat_is_the_same_order(
    answers: list[list[dict[str, Any]]], stack: LocalStack
) -> None:
    (order,) = _answers_of(answers, PLACE)
    body = re.search(r"-d '(.*?)'", next(block for block in _blocks() if PLACE in block), re.DOTALL)
    assert body is not None

    repeat = stack.client("trade").send("POST", "/v1/orders", body[1], {"Idempotency-Key": PLACE})

    assert (order["state"], order["filled_quantity"]) == ("filled", 5)
    assert [step["state"] for step in order["history"]][-1] == "filled"
    assert repeat.order(200)["client_order_id"] == order["client_order_id"]


def test_the_days_orders_and_what_one_holds_are_listed(answers: list[list[dict[str, Any]]]) -> None:
    (order,) = _answers_of(answers, PLACE)

    listed, positions, funds = _answers_of(answers, LIST)

    assert order["client_order_id"] in {one["client_order_id"] for one in listed["orders"]}
    held = {row["instrument"] for row in _of_paper(positions)["positions"]}
    assert "NSE:RELIANCE" in held
    assert {row["segment"] for row in _of_paper(funds)["funds"]} == {"all"}


def test_a_resting_order_is_changed_and_cancelled(answers: list[list[dict[str, Any]]]) -> None:
    changed, cancelled = _answers_of(answers, REST)

    assert (changed["state"], changed["limit_price"], changed["quantity"]) == ("open", "3010", 2)
    assert (cancelled["client_order_id"], cancelled["state"]) == (changed["client_order_id"], "cancelled")


def test_the_alert_is_taken_and_becomes_a_filled_order(
    answers: list[list[dict[str, Any]]], admin: Client
) -> None:
    (taken,) = _answers_of(answers, ALERT)

    assert taken["status"] == "queued"
    for client_order_id in taken["client_order_ids"]:
        order = admin.settled(client_order_id, "filled")
        assert (order["instrument"], order["quantity"]) == ("NSE:INFY", 5)


def _of_paper(content: dict[str, Any]) -> dict[str, Any]:
    (entry,) = [entry for entry in content["accounts"] if entry["account"] == "paper"]
    return dict(entry)
