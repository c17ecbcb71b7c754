"""Look for what a run's accounts have stored, in every place that a person or a program may read."""

import json
from collections.abc import Iterator, Sequence

from infra.local.stack import Stack
from tests.brokers.play import Play

# shorter texts stand in words that mean something else
SHORTEST = 5


def found_in(stack: Stack, plays: Sequence[Play]) -> list[str]:
    """Name each secret and where it shows; the secrets themselves are not named."""
    secrets = {name: text for play in plays for name, text in _secrets(play)}
    assert secrets or all(not play.side.vendor.credentials for play in plays)
    places = [*_answers(plays), *_logs(stack), *_tables(stack)]
    assert any(where.startswith("log") for where, _ in places)
    return [
        f"{name} in {where}" for where, text in places for name, secret in secrets.items() if secret in text
    ]


def _secrets(play: Play) -> Iterator[tuple[str, str]]:
    public = {"expires_at", "endpoint", *(one.name for one in play.profile.credentials if not one.is_secret)}
    for kind in ("credentials", "session"):
        client = play.target.secretsmanager
        name = f"{play.target.stack_name}/accounts/{play.account}/{kind}"
        try:
            stored = json.loads(client.get_secret_value(SecretId=name)["SecretString"])
        except client.exceptions.ResourceNotFoundException:
            continue
        for field, text in stored.items():
            if field not in public and len(text) >= SHORTEST:
                yield f"{play.account} {field}", text


def _answers(plays: Sequence[Play]) -> Iterator[tuple[str, str]]:
    for play in plays:
        for number, answer in enumerate(play.answers):
            yield f"answer {number} to {play.account}", f"{answer.text} {dict(answer.headers)}"


def _logs(stack: Stack) -> Iterator[tuple[str, str]]:
    client = stack.client("logs")
    for group in client.describe_log_groups()["logGroups"]:
        name, more = group["logGroupName"], dict[str, str]()
        while True:
            page = client.filter_log_events(logGroupName=name, **more)
            for event in page["events"]:
                yield f"log {name}", event["message"]
            if "nextToken" not in page:
                break
            more = {"nextToken": page["nextToken"]}


def _tables(stack: Stack) -> Iterator[tuple[str, str]]:
    client = stack.client("dynamodb")
    for table in client.list_tables()["TableNames"]:
        for page in client.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                yield f"table {table}", json.dumps(item, default=str)
