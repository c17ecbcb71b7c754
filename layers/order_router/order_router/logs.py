"""One structured line a decision, and notices to the trader among them."""

import logging

from aws_lambda_powertools import Logger

from order_router.ports import Notice

ROOT = "order_router"
notices = logging.getLogger(f"{ROOT}.notices")


def set_up() -> None:
    """Write every logger of this package as JSON lines to standard output (level: POWERTOOLS_LOG_LEVEL)."""
    Logger(service=ROOT, utc=True)


class LogNotifier:
    """Tells the trader through the log, where an alarm can see it."""

    def tell(self, notice: Notice) -> None:
        """Write the notice as a warning."""
        notices.warning(
            "notice",
            extra={
                "kind": notice.kind,
                "account": notice.account,
                "words": notice.message,
                "client_order_id": notice.client_order_id,
            },
        )
