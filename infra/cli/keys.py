"""`router key`: API keys, of which only hashes are kept."""

from typing import Annotated

import typer

from infra.cli.command import Result, Table, command, new_app
from infra.cli.options import AccountsOption, ScopeWord
from infra.cli.refusal import Misuse, Refusal
from infra.cli.work import Work

app = new_app("API keys.")
GATEWAY_REMEMBERS_S = 60
"""For how long API Gateway goes on with what it was told of a key (ReauthorizeEvery in the template)."""

KEY_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

KeyId = Annotated[str, typer.Argument(metavar="KEY_ID", help="A name for the key.")]
Scopes = Annotated[list[ScopeWord], typer.Option(help="trade includes read, admin both; repeat for more.")]


@command(app, "create")
def create_key(work: Work, key_id: KeyId, scope: Scopes, account: AccountsOption = None) -> Result:
    """Print a new API key: for all accounts, unless some are named."""
    import re  # noqa: PLC0415 - a fast start

    from infra import operate  # noqa: PLC0415 - the same
    from order_router.domain.account import Scope  # noqa: PLC0415 - the same

    if not re.fullmatch(KEY_ID, key_id):
        raise Misuse("KEY_ID: expected letters, digits, . - and _, at most 64")
    for name in account or ():
        operate.account_of(work.target, name)
    if any(caller.key_id == key_id for caller in work.target.settings.callers()):
        raise Refusal(f"there is a key {key_id}: take another name, or router key revoke {key_id} first")
    scopes, accounts = frozenset(Scope(word) for word in scope), frozenset(account or ())
    api_key = operate.add_key(work.target, key_id, scopes, accounts)
    document = {"key_id": key_id, "scopes": sorted(scopes), "accounts": sorted(accounts), "api_key": api_key}
    return Result(document=document, shown=api_key, note="this key is kept nowhere: copy it now")


command(app, "add", hidden=True)(create_key)


@command(app, "list")
def list_keys(work: Work) -> Result:
    """List the keys' names, scopes and accounts: the keys themselves are kept nowhere."""
    callers = work.target.settings.callers()
    document = [
        {"key_id": one.key_id, "scopes": sorted(one.scopes), "accounts": sorted(one.accounts)}
        for one in callers
    ]
    rows = tuple(
        (one.key_id, ", ".join(sorted(one.scopes)), ", ".join(sorted(one.accounts)) or "all")
        for one in callers
    )
    return Result(document={"keys": document}, shown=Table(("key", "scopes", "accounts"), rows))


@command(app, "revoke")
def revoke_key(work: Work, key_id: KeyId) -> Result:
    """End a key: who holds it can call nothing any more."""
    if not work.target.settings.remove_caller(key_id):
        raise Refusal(f"there is no key {key_id[:64]!r}: router key list has them")
    words = f"key {key_id} is revoked (the gateway may take {GATEWAY_REMEMBERS_S} s to forget it)"
    return Result(document={"key_id": key_id, "revoked": True}, shown=words)
