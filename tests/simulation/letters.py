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
    letters = [(message["MessageBody"], message["MessageGroupId"]) for message in stack.sent]
    _put(stack, "OrderDeadLetters", *stack.random.choice(letters or [(NO_ORDER, "any")]))


def give_up_what_waits(stack: Stack) -> None:
    """Let the queue have given up on every order that waits to be tried again, for a while."""
    given_up = set[str]()
    for _ in range(LOOKS):
        waiting = {name for name, item in stack.judge.items.items() if item["state"]["S"] == "received"}
        for message in stack.sent:
            if message["MessageDeduplicationId"] in waiting - given_up:
                _put(stack, "OrderDeadLetters", message["MessageBody"], message["MessageGroupId"])
        given_up |= waiting
        stack.hub.pause(SECOND // 2)


def drive_again(stack: Stack) -> None:
    """Put a message into the queue once more that was in it before."""
    if stack.sent:
        message = stack.random.choice(stack.sent)
        stack.hub.pause(int(60 * SECOND * stack.random.random()))
        _put(stack, "OrderQueue", message["MessageBody"], message["MessageGroupId"])


def _put(stack: Stack, queue: str, body: str, group: str) -> None:
    names = {"MessageGroupId": group, "MessageDeduplicationId": f"put-{stack.random.random()}"}
    stack.sqs.send_message(QueueUrl=stack.sqs.url(queue), MessageBody=body, **names)
