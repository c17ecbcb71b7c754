"""Whether the stack's parts answer."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError


def is_active(client: Any, table: str) -> bool:  # noqa: ANN401 - botocore's clients have no type
    """Return whether DynamoDB answers and the table is there to use."""
    try:
        status = client.describe_table(TableName=table)["Table"]["TableStatus"]
    except (BotoCoreError, ClientError):
        return False
    return bool(status == "ACTIVE")
