"""What a trader and time do to a stopped account in memory, in few words."""

from datetime import timedelta
from typing import Any

from order_router.domain.account import Account
from order_router.domain.kill_switch import KillSwitch, StopScope
from order_router.domain.kill_work import KillWork, Phase
from order_router.domain.lifecycle import State
from order_router.domain.limits import Limits
from order_router.domain.order import Order
from order_router.service.kill_switch import Engage, engage
from order_router.service.kill_work import make_pass
from tests.fakes.kill import KillWorld

PAPER = KillSwitch(StopScope.ACCOUNT, "paper")


def rest(kill: KillWorld, key: str, **changes: Any) -> Order:
    """Place a limit order that rests."""
    order = kill.world.place(key, **{"order_type": "LIMIT", "limit_price": "1400", **changes}).order
    assert order.state is State.OPEN
    kill.world.clock.advance(2)
    return order


def hold(kill: KillWorld, key: str, **changes: Any) -> Order:
    """Place an order that fills."""
    fields = {"order_type": "MARKET", "limit_price": None, "product": "MIS", **changes}
    order = kill.world.place(key, **fields).order
    assert order.state is State.FILLED, order
    kill.world.clock.advance(2)
    return order


def limit(kill: KillWorld, **limits: Any) -> None:
    """Set the limits of the account."""
    kill.world.settings.put_account(Account(name="paper", broker="paper", limits=Limits(**limits)))


def stop(kill: KillWorld, switch: KillSwitch = PAPER, **options: Any) -> KillWork:
    """Turn the switch on and return its first work."""
    return engage(kill.desk, Engage(switch=switch, by="k-admin", **options)).works[0]


def positions(kill: KillWorld) -> dict[str, int]:
    """Return what the exchange holds for the account, flat ones left out."""
    ledger = kill.world.desk.broker_of("paper")
    send = kill.world.transport.sender("paper://exchange", not_after=None)
    account = kill.world.desk.account("paper")
    rows = ledger.read_positions(send, kill.world.sessions.session(account)).positions
    return {f"{row.instrument} {row.product}": row.quantity for row in rows if row.quantity}


def state_of(kill: KillWorld, order: Order) -> State:
    """Return the state that the order is stored in."""
    stored = kill.world.store.get(order.client_order_id)
    assert stored is not None
    return stored.state


def pass_at(kill: KillWorld, after_s: float) -> KillWork:
    """Make the next pass so long after the work was asked for."""
    name, work_id, _ = kill.queue.asked.pop(0)
    at = kill.work().requested_at + timedelta(seconds=after_s)
    kill.world.clock.advance((at - kill.world.clock.now()).total_seconds())
    make_pass(kill.work_desk, name, work_id)
    return kill.work()


def slow(kill: KillWorld, method: str, seconds: float) -> None:
    """Let the exchange take so long over each request of this method."""
    handle = kill.world.handlers["paper://exchange"]

    def slowly(request: Any) -> Any:
        if request.method == method:
            kill.world.clock.advance(seconds)
        return handle(request)

    kill.world.handlers["paper://exchange"] = slowly


def closing(kill: KillWorld) -> KillWork:
    """Hold a position, stop, and plan its exit: it leaves in the next pass."""
    hold(kill, "k-1")
    stop(kill, closes_positions=True)
    work = pass_at(kill, 3)
    assert work.phase is Phase.CLOSING
    return work
