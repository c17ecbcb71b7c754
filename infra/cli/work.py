"""What a command works with: the chosen stack, its API, the terminal and the clock, each made when first asked for."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli.refusal import Refusal

if TYPE_CHECKING:
    from infra.cli.api import Api
    from infra.cli.terminal import Terminal
    from infra.operate import Target
    from order_router.ports import Clock
    from order_router.service.session_desk import SessionDesk

KEY_VARIABLE = "ROUTER_API_KEY"
ACCOUNT_VARIABLE = "ROUTER_ACCOUNT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which stack: the local one in `home` unless `stack` names one in AWS; and which API, if another one."""

    home: Path
    stack: str | None = None
    region: str | None = None
    profile: str | None = None
    api_url: str | None = None
    api_key_file: Path | None = None


@dataclass
class Work:
    """What a command works with."""

    choice: Choice
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    as_json: bool = False

    @cached_property
    def target(self) -> "Target":
        """The stack's tables and secrets."""
        from infra.cli.target import aws_target, local_target  # noqa: PLC0415 - AWS's client takes its time
        from infra.local.home import Home  # noqa: PLC0415 - with it

        choice = self.choice
        if choice.stack is None:
            return local_target(Home(choice.home))
        return aws_target(choice.stack, choice.region, choice.profile)

    @cached_property
    def api(self) -> "Api":
        """The stack's HTTP API, under the caller's key."""
        from infra.cli.api import Api  # noqa: PLC0415 - only who calls pays for it

        facts = self._facts if self.choice.stack is None else {}
        key = self._given_key()
        if self.choice.api_url is not None:
            url = self.choice.api_url
        elif facts:
            # the stack's own key goes to the stack's own address and to no other
            url, key = str(facts["api_url"]), key or str(facts["api_key"])
        else:
            url = self.target.outputs["ApiUrl"]
        if not key:
            raise Refusal(
                f"no API key: set {KEY_VARIABLE} or give --api-key-file (router key create makes a key)"
            )
        return Api(url=url, key=key)

    @cached_property
    def desk(self) -> "SessionDesk":
        """What the services of broker sessions work with."""
        from infra.cli.desk import session_desk  # noqa: PLC0415 - brokers and transports take their time

        return session_desk(self.target, self.clock)

    @cached_property
    def terminal(self) -> "Terminal":
        """Who is asked for what is not to be typed on a command line."""
        from infra.cli.terminal import Terminal  # noqa: PLC0415 - only who asks pays for it

        return Terminal()

    @cached_property
    def clock(self) -> "Clock":
        """The time, and the only way to wait."""
        from order_router.transport.clock import SystemClock  # noqa: PLC0415 - only who waits pays for it

        return SystemClock()

    @property
    def _facts(self) -> dict[str, object]:
        from infra.local.home import Home, read_json  # noqa: PLC0415 - the local stack's

        facts = read_json(Home(self.choice.home).facts)
        if not facts and self.choice.api_url is None:
            raise Refusal("the local stack has not been started: make up (or name one in AWS: --stack)")
        return facts

    def _given_key(self) -> str:
        from infra.cli.files import read_private  # noqa: PLC0415 - only who calls pays for it

        file = self.choice.api_key_file
        return (
            read_private(file).strip() if file is not None else self.environment.get(KEY_VARIABLE, "").strip()
        )
