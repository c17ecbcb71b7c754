"""What becomes of messages beside their way: strange ones, such that come again, such that the queue gave up on."""

from tests.simulation.stack import Stack

SECOND = 1_000_000
NO_ORDER = '{"no": "order"}'
LOOKS = 60


def poison(stack: Stack) -> None:
    """Put something into the queue that is no order."""
    _put(stack, "OrderQueue", NO_ORDER, stack.random.choice(("paper", "kite")))


def give_up(stack: Stack) -> None:
    """Let the queue have given up on a message: an order of earlier, or something that is none."""
    _give_up(stack, [message["MessageBody"] for message in stack.sent] or [NO_ORDER])


def give_up_what_waits(stack: Stack) -> None:
    """Let the queue have given up on the next order that waits to be tried again, if there comes one soon."""
    for _ in range(LOOKS):
        waiting = {name for name, item in stack.judge.items.items() if item["state"]["S"] == "received"}
        bodies = [one["MessageBody"] for one in stack.sent if one["MessageDeduplicationId"] in waiting]
        if bodies:
            _give_up(stack, bodies)
            return
        stack.hub.pause(SECOND // 2)


def drive_again(stack: Stack) -> None:
    """Put a message into the queue once more that was in it before."""
    if stack.sent:
        message = stack.random.choice(stack.sent)
        stack.hub.pause(int(60 * SECOND * stack.random.random()))
        _put(stack, "OrderQueue", message["MessageBody"], message["MessageGroupId"])


def _give_up(stack: Stack, bodies: list[str]) -> None:
    _put(stack, "OrderDeadLetters", stack.random.choice(bodies), "any")


def _put(stack: Stack, queue: str, body: str, group: str) -> None:
    names = {"MessageGroupId": group, "MessageDeduplicationId": f"put-{stack.random.random()}"}
    stack.sqs.send_message(QueueUrl=stack.sqs.url(queue), MessageBody=body, **names)
