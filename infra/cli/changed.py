"""When an account's credentials were last stored."""

from datetime import datetime

from botocore.exceptions import ClientError

from infra.cli.work import Work
from order_router.aws.sessions import credentials_name
from order_router.domain.account import Account


def changed_at(work: Work, account: Account) -> datetime | None:
    """Return when the account's credentials were last stored, None if they never were."""
    name = credentials_name(f"{work.target.stack_name}/accounts", account.name)
    try:
        found = work.target.secretsmanager.get_secret_value(SecretId=name)
    except ClientError:
        return None
    moment: datetime = found["CreatedDate"]
    return moment
