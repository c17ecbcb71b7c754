"""Keep every version of every order where nobody can change it."""

from order_router import wiring
from order_router.api.archive import each_change

handler = each_change(wiring.world().audit_bucket.keep)
