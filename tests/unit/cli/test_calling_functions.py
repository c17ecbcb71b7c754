"""A function is called once, and once more only where Lambda says that it was not ready."""

import io
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.cli.target import call


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "state: Pending"}}, "Invoke")


@dataclass
class Lambda:
    """Answers as told; keeps what was done in turn."""

    answers: list[Any]
    done: list[str] = field(default_factory=list)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - botocore's names
        self.done.append(f"invoke {FunctionName} {Payload.decode()}")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"Payload": io.BytesIO(answer)}

    def get_waiter(self, name: str) -> "Lambda":
        self.done.append(name)
        return self

    def wait(self, *, FunctionName: str, WaiterConfig: dict[str, int]) -> None:  # noqa: N803 - the same
        self.done.append(f"wait {FunctionName}")


INVOKED = 'invoke f {"source": "address"}'


def test_a_function_that_is_ready_is_called_once() -> None:
    client = Lambda([b'{"address": "1.2.3.4"}'])

    assert call(client, "f", {"source": "address"}) == {"address": "1.2.3.4"}
    assert client.done == [INVOKED]


@pytest.mark.parametrize("code", ["ResourceConflictException", "ResourceNotReadyException"])
def test_a_function_that_sleeps_is_waited_for_and_called_again(code: str) -> None:
    client = Lambda([refusal(code), b"{}"])

    assert call(client, "f", {"source": "address"}) == {}
    assert client.done == [INVOKED, "function_active_v2", "wait f", INVOKED]


def test_every_other_refusal_is_told() -> None:
    client = Lambda([refusal("AccessDeniedException")])

    with pytest.raises(ClientError):
        call(client, "f", {"source": "address"})
    assert client.done == [INVOKED]
