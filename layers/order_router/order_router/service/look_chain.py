"""One chain of looks at each account, however many orders ask for one.

Each order that is lost or held asks for a look, and each look for the next one while there is something to look for. If
all of them went on, two lost and two held orders would have the broker's book read every other second. So the account's
next look is marked while it waits in the queue, and whoever comes meanwhile stands back for it.

Nobody is left without a look by that. A mark is made once its look's message is in the queue, and goes before that look
reads anything. While it stands, a look is certain to begin, and after whoever stands back: it sees all that they would
have seen, and asks on as they would have. That holds wherever a worker dies:

- with a look's message in hand, before or after the mark went: the queue brings the message again, and the mark, where
  it still stands, is its own;
- having stood back, and the queue was not told: the message comes again and is judged again;
- between a message and its mark: there is no mark, and a look more than needed. A worker that was frozen there makes
  no mark once the look is due, and one whose look has begun is refused.

A look that is long overdue (its message lies among the dead letters, or the queue lags) holds nobody back, and where
marks cannot be read or written everybody looks. The schedule's looks stand back for nobody. Two looks at once may both
ask for a next one; the one whose mark stands is the chain's, the other stands back for it, or they meet again.
"""

import logging
from datetime import datetime, timedelta

from order_router.ports import StoreUnavailable
from order_router.service.desk import Desk
from order_router.service.timing import LOOK_OVERDUE, RECONCILE_DELAY_S

logger = logging.getLogger(__name__)


def begin_look(desk: Desk, account: str, look: str | None) -> bool:
    """Return whether to look at the account now, and hold others back no longer; False if a later look will."""
    try:
        return desk.looks.begin(account, look, since=_counted_since(desk))
    except StoreUnavailable as error:
        logger.warning("looks are not marked", extra={"account": account, "reason": error.code})
        return True


def ask_for_the_next(desk: Desk, account: str) -> None:
    """Ask for a look in a few seconds, unless one is coming; the schedule comes anyway if this fails."""
    look, due = desk.nonce(), desk.clock.now() + timedelta(seconds=RECONCILE_DELAY_S)
    try:
        if _is_coming(desk, account):
            return
        desk.reconcile.put(account, delay_s=RECONCILE_DELAY_S, look=look)
        # past that the look may have been made: who stood back for it would have none
        if desk.clock.now() < due:
            desk.looks.expect(account, look, due, since=_counted_since(desk))
    except StoreUnavailable as error:
        logger.warning("could not ask for a look", extra={"account": account, "reason": error.code})


def _is_coming(desk: Desk, account: str) -> bool:
    try:
        return desk.looks.is_coming(account, since=_counted_since(desk))
    except StoreUnavailable as error:
        logger.warning("looks are not marked", extra={"account": account, "reason": error.code})
        return False


def _counted_since(desk: Desk) -> datetime:
    return desk.clock.now() - LOOK_OVERDUE
