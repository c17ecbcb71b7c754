"""Brokers that run inside this process, and the choice of a transport by scheme."""

from collections.abc import Callable, Mapping
from datetime import datetime

from order_router.adapter.errors import BrokerError, DeadlinePassed, OutcomeUnknown
from order_router.adapter.http import HttpRequest, HttpResponse, Send
from order_router.domain.errors import RouterError
from order_router.ports import Clock, Transport
from order_router.transport.wire import Unsendable, require_within

Handler = Callable[[HttpRequest], HttpResponse]


class LocalTransport:
    """Implements `ports.Transport` by calling the handler of an endpoint such as `paper://exchange`."""

    def __init__(self, clock: Clock, handlers: Mapping[str, Handler]) -> None:
        self._clock = clock
        self._handlers = handlers

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        """Return a Send for this endpoint, with the deadline and the address check of a real one."""
        handler = self._handlers.get(endpoint)
        if handler is None:
            raise Unsendable(f"nothing answers at {endpoint}")

        def send(request: HttpRequest) -> HttpResponse:
            require_within(endpoint, request.url)
            if request.is_write and not_after is not None and self._clock.now() > not_after:
                raise DeadlinePassed(f"{endpoint}: the request became too old before it left")
            return _answer(handler, request, endpoint)

        return send


class RoutingTransport:
    """Implements `ports.Transport` by handing each endpoint to the transport of its scheme."""

    def __init__(self, by_scheme: Mapping[str, Transport]) -> None:
        self._by_scheme = by_scheme

    def sender(self, endpoint: str, *, not_after: datetime | None) -> Send:
        """Return a Send of the transport that serves the endpoint's scheme."""
        scheme = endpoint.partition("://")[0]
        if scheme not in self._by_scheme:
            raise Unsendable(f"expected an endpoint of {', '.join(self._by_scheme)}, received another")
        return self._by_scheme[scheme].sender(endpoint, not_after=not_after)


def _answer(handler: Handler, request: HttpRequest, endpoint: str) -> HttpResponse:
    try:
        return handler(request)
    except BrokerError:
        raise
    except RouterError as error:
        raise OutcomeUnknown(f"{endpoint}: no answer came ({type(error).__name__})") from error
