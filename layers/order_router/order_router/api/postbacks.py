"""A broker's postback as it comes in."""

from order_router.api.http import Answer, ApiRequest
from order_router.service.postbacks import Postback, PostbackDesk, take_postback


def answer_postback(desk: PostbackDesk, request: ApiRequest) -> Answer:
    """Answer `POST /v1/postbacks/{broker}/{account}`, its secret as the last path segment where there is one."""
    postback = Postback(
        broker=request.path.get("broker", ""),
        account=request.path.get("account", ""),
        token=request.path.get("token"),
        headers=request.headers,
        body=request.body,
    )
    return Answer(content={"status": str(take_postback(desk, postback))})
