"""What a command refuses by itself."""

from order_router.domain.errors import RouterError


class Refusal(RouterError):
    """What was asked cannot be done; the message says what to do instead."""

    code = "REFUSED"
    exit_code = 1


class Misuse(Refusal):
    """The command was called with something that it does not take."""

    code = "USAGE"
    exit_code = 2
