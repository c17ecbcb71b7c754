"""Take a broker's word that an order changed: check who says it, and record what it says."""

from functools import partial

from order_router import wiring
from order_router.api.endpoint import endpoint
from order_router.api.postbacks import answer_postback

handler = endpoint(partial(answer_postback, wiring.world().postback_desk))
