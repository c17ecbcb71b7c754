"""How long things may take: one table, so that the limits can be held against each other (a test does)."""

from datetime import timedelta

PLACE_FUNCTION_TIMEOUT = timedelta(seconds=28)
"""The timeout of the `place` function in the template."""

WRITE_TIME = timedelta(seconds=10)
"""How long a write to a broker may take, connecting included."""

READ_TIME = timedelta(seconds=7)
"""How long a read from a broker may take, connecting included."""

API_MAX_AGE = timedelta(seconds=10)
"""How old an HTTPS order may become before it leaves."""

SEND_BUDGET = timedelta(seconds=6)
"""How long one invocation goes on trying to send an order that never left."""

ENTRY_READS = timedelta(seconds=8)
"""How old an entry may become that comes again for what it could not read: what stands behind it in its queue, an exit
perhaps, waits as long, and for one more try."""

LEASE = timedelta(seconds=35)
"""How long a worker owns an order: longer than it can live, so that nobody judges its order meanwhile."""

REPLAY_WAIT = timedelta(seconds=10)
"""How long a repeated request waits for the outcome of the first."""

REPLAY_POLL_S = 0.1
SEND_PAUSE_S = 0.5
READ_PAUSE_S = 1.0
"""How long an order waits to ask once more what its broker was asked too often: brokers count reads by the second."""

PACE_WAIT = timedelta(seconds=3)
"""How long an invocation waits for a free call of its account, or of its exchange segment."""

PASS_TIME = timedelta(seconds=8)
"""How long an invocation that makes many calls goes on to begin them: the last one has its own time besides."""

PORTFOLIO_TIME = timedelta(seconds=18)
"""How long reading many accounts goes on to begin reads: the last one has its own time besides, its session is to be
read too, and all of it ends within the 29 s of the `positions` function."""

LOOKS_TIME = timedelta(seconds=30)
"""How long a look at every account goes on to begin the next: a broker that does not answer takes long enough."""

WATCHES_TIME = timedelta(seconds=40)
"""How long after a look at every account began the watch of limits goes on to begin reads: the last one has its own
time besides, and all of it ends within the 60 s of the `reconcile` function."""

RECONCILE_DELAY_S = 5
RECONCILE_AGAIN_FOR = timedelta(minutes=2)
"""How long an unknown order, or an unanswered change, is looked for every few seconds; then the schedule does it."""

BOOK_TIME = timedelta(seconds=22)
"""How long the reads of a book that is read in turn last at most: four, over one connection."""

BOOK_HELD = timedelta(seconds=30)
"""How long a worker has a turn at an order book at most: longer than the reads of one take."""

BOOK_WAIT = timedelta(seconds=8)
"""How long a look waits for its turn at an order book: longer than one rests between two looks."""

BOOK_POLL_S = 1.0

LOOK_OVERDUE = timedelta(seconds=15)
"""How late the next look at an account may be that others stand back for."""

BETWEEN_LAST_BOOKS = timedelta(minutes=10)
"""How far apart the two last books of a day must be that close an order by its absence."""

INDEX_LAG = timedelta(seconds=10)
"""How far the orders table's indexes may lag behind it: a younger row may be an order of ours that they lack."""
