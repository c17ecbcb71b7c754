"""The Kite simulator without a socket: its book answers a request where it is called, for tests that send thousands."""

from order_router.adapter.errors import OutcomeUnknown
from order_router.adapter.http import HttpRequest, HttpResponse
from tests.simulators.kite import Kite


def answer(kite: Kite, endpoint: str, request: HttpRequest) -> HttpResponse:
    """Answer one request; OutcomeUnknown where the server would close the connection or answer too late."""
    target = request.url.removeprefix(endpoint)
    reply = kite.take(request.method, target, request.body, request.headers)
    if reply.answer is not None and (reply.answer.drop or reply.answer.slow_s):
        raise OutcomeUnknown("no answer in time")
    status, text, kind = reply.rendered()
    return HttpResponse(status=status, headers={"content-type": kind}, body=text.encode())
