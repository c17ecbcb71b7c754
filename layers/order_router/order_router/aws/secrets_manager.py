"""Secrets of accounts, each a flat JSON object of texts: read and written without ever showing one."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from order_router.adapter.decode import strict_json
from order_router.adapter.errors import NotSent
from order_router.aws.failures import named_failures

ABSENT = {"ResourceNotFoundException", "InvalidRequestException"}
Tags = Sequence[Mapping[str, str]]


class SecretUnavailable(NotSent):
    """The secret could not be read for the moment: nothing was sent."""

    code = "SECRET_UNAVAILABLE"


class SecretDamaged(Exception):
    """What is stored is not a JSON object of texts."""


def read_texts(client: Any, name: str, what: str) -> dict[str, str] | None:  # noqa: ANN401 - botocore's clients have no type
    """Return the texts of a secret, None if there is none; SecretDamaged, or SecretUnavailable on a passing fault."""
    try:
        answer = client.get_secret_value(SecretId=name)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ABSENT:
            return None
        raise SecretUnavailable(f"{what}: {code}") from None
    except BotoCoreError as error:
        raise SecretUnavailable(f"{what}: {type(error).__name__}") from None
    return _parse(answer.get("SecretString", ""))


def write_texts(make_client: Callable[[], Any], name: str, texts: Mapping[str, str], tags: Tags = ()) -> None:
    """Store the texts as the secret's value, and make the secret if there is none; StoreUnavailable otherwise.

    `tags` are what the secret is marked with, old or new.
    """
    client, text = make_client(), json.dumps(dict(texts))
    with named_failures("storing a secret"):
        try:
            client.put_secret_value(SecretId=name, SecretString=text)
        except client.exceptions.ResourceNotFoundException:
            client.create_secret(Name=name, SecretString=text, **({"Tags": list(tags)} if tags else {}))
        else:
            if tags:
                client.tag_resource(SecretId=name, Tags=list(tags))


def _parse(text: str) -> dict[str, str]:
    try:
        fields = strict_json(text)
    except ValueError:
        fields = None
    # raised out here: the parser's error holds the whole text
    if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
        raise SecretDamaged
    return fields
