"""The IBKR simulator's accounts of one username: which one is selected, and whose an order is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.ibkr_login import ACCOUNT_ID, refusal


@dataclass
class IbkrAccounts:
    """Live orders, trades and status are of the selected account; `ignores_query`: whatever `accountId` says."""

    held: tuple[str, ...] = (ACCOUNT_ID,)
    selected: Any = ACCOUNT_ID
    ignores_query: bool = False
    _owners: dict[str, str] = field(default_factory=dict)

    def be_told(self, told: Mapping[str, Any]) -> None:
        """Change what a test asks for."""
        for name, value in told.items():
            if name not in {"held", "selected", "ignores_query"}:
                raise KeyError(name)
            setattr(self, name, tuple(value) if name == "held" else value)

    def shown(self) -> dict[str, Any]:
        """Name the accounts and the selected one."""
        return {"accounts": list(self.held), "selectedAccount": self.selected, "isPaper": True}

    def switch(self, account: Any) -> dict[str, Any]:
        """Select an account."""
        if account not in self.held:
            raise refusal(500, "Invalid account ID")
        if account == self.selected:
            return {"success": "Account already set"}
        self.selected = account
        return {"set": True, "acctId": account}

    def own(self, order_id: str, account: str) -> None:
        """Note whose an order is."""
        self._owners[order_id] = account

    def owner(self, order_id: str) -> str:
        """Return whose an order is."""
        return self._owners[order_id]

    def asked_for(self, fields: Mapping[str, Any]) -> Any:
        """Return whose orders and trades a read shows."""
        return self.selected if self.ignores_query else fields.get("accountId", self.selected)
