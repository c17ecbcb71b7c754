"""Mutants that change nothing anybody could notice, each with the reason; they are counted apart."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A mutant by its file and the lines that differ, and why it is none."""

    file: str
    old: str
    new: str
    why: str


EQUIVALENT: tuple[Equivalent, ...] = (
    *(
        Equivalent(
            file="domain/audit.py",
            old='return (line["at"], *order, line.get("switch", ""), line.get("turn", 0), line.get("change", 0))',
            new=f'return (line["at"], *order, line.get("switch", ""), {turn_and_change})',
            why="of the lines that are compared by it all have it, or none has",
        )
        for turn_and_change in (
            'line.get("turn", (1)), line.get("change", 0)',
            'line.get("turn", (-1)), line.get("change", 0)',
            'line.get("turn", 0), line.get("change", (1))',
            'line.get("turn", 0), line.get("change", (-1))',
        )
    ),
    Equivalent(
        file="domain/kill_work.py",
        old="return sorted(orders, key=lambda order: tried.get(order.client_order_id, -1))",
        new="return sorted(orders, key=lambda order: tried.get(order.client_order_id, -(2)))",
        why="below every place, either way",
    ),
    Equivalent(
        file="service/kill_positions.py",
        old="if min(one.quantity for one in parts) < 0 < max(one.quantity for one in parts):",
        new="if (min((one.quantity for one in parts)) <= 0 < max((one.quantity for one in parts))):",
        why="rows of nothing were left out before",
    ),
    Equivalent(
        file="service/kill_positions.py",
        old="if min(one.quantity for one in parts) < 0 < max(one.quantity for one in parts):",
        new="if (min((one.quantity for one in parts)) < 0 <= max((one.quantity for one in parts))):",
        why="rows of nothing were left out before",
    ),
    Equivalent(
        file="service/kill_positions.py",
        old="whole.append(replace(parts[0], quantity=sum(one.quantity for one in parts)))",
        new="whole.append(replace(parts[(-1)], quantity=sum(one.quantity for one in parts)))",
        why="all are of one instrument and product, and nothing else is read of them",
    ),
    Equivalent(
        file="service/kill_positions.py",
        old="return position.product in DELIVERY and position.quantity > 0",
        new="return position.product in DELIVERY and (position.quantity >= 0)",
        why="positions of nothing were left out before",
    ),
    Equivalent(
        file="service/kill_positions.py",
        old="return position.product in DELIVERY and position.quantity > 0",
        new="return position.product in DELIVERY and position.quantity > (-1)",
        why="positions of nothing were left out before",
    ),
    Equivalent(
        file="service/kill_positions.py",
        old="todays = min(position.quantity, max(bought.get((position.instrument, position.product), 0), 0))",
        new="todays = min(position.quantity, max(bought.get((position.instrument, position.product), (-1)), 0))",
        why="nothing below zero counts",
    ),
    Equivalent(
        file="service/kill_exits.py",
        old="return [(line.client_order_id, line.state, line.is_final, line.code == CIRCUIT_OPEN) for line in exits]",
        new="return [(line.client_order_id, line.state, line.is_final, (line.code != CIRCUIT_OPEN)) for line in exits]",
        why="two such lists differ where the others do",
    ),
    Equivalent(
        file="service/reconcile.py",
        old="first, begun = secrets.randbelow(len(accounts) or 1), desk.clock.now()",
        new="first, begun = secrets.randbelow(len(accounts) or (2)), desk.clock.now()",
        why="where there is no account none is first",
    ),
    Equivalent(
        file="domain/likeness.py",
        old="if len(fitting) != 1 or is_contested or not _is_before_telling(order, fitting[0]):",
        new="if len(fitting) != 1 or is_contested or not _is_before_telling(order, fitting[(-1)]):",
        why="by then one fits",
    ),
    Equivalent(
        file="domain/order_news.py",
        old="since = [one.kind for one in before[before.index(last) + 1 :]]",
        new="since = [one.kind for one in before[before.index(last) + (0) :]]",
        why="the change itself is neither asked for nor refused",
    ),
    Equivalent(
        file="domain/alert.py",
        old="if requests[0].quantity > strategy.max_quantity:",
        new="if requests[(-1)].quantity > strategy.max_quantity:",
        why="every request of an alert has the same quantity",
    ),
    Equivalent(
        file="domain/errors.py",
        old="super().__init__(message)",
        new="pass",
        why="Exception keeps its arguments before __init__ is called",
    ),
    *(
        Equivalent(
            file="domain/history.py",
            old=old,
            new=new,
            why="so few steps have room whatever they say, weighed or not",
        )
        for old, new in (
            ("SHORT = 24", "SHORT = (25)"),
            ("SHORT = 24", "SHORT = (23)"),
            ("if len(history) < SHORT:", "if (len(history) <= SHORT):"),
        )
    ),
    Equivalent(
        file="domain/instrument.py",
        old="PlainSerializer(str, return_type=str),",
        new="(PlainSerializer(str)),",
        why="the return type only describes a schema that is not published",
    ),
    Equivalent(
        file="domain/likeness.py",
        old="return fitting[0]",
        new="return fitting[(-1)]",
        why="there is exactly one",
    ),
    Equivalent(
        file="service/reconcile.py",
        old="changed = sum(new.version != old.version for new, old in zip(after, due, strict=True))",
        new="changed = sum(new.version != old.version for new, old in (zip(after, due)))",
        why="both are of one length by the line that makes them",
    ),
    Equivalent(
        file="service/reconcile.py",
        old="changed = sum(new.version != old.version for new, old in zip(after, due, strict=True))",
        new="changed = sum(new.version != old.version for new, old in zip(after, due, strict=(False)))",
        why="both are of one length by the line that makes them",
    ),
    Equivalent(
        file="transport/answer.py",
        old="CHUNK = 64 * 1024",
        new="CHUNK = (65) * 1024",
        why="in what pieces an answer is read changes nothing in it",
    ),
    Equivalent(
        file="transport/answer.py",
        old="CHUNK = 64 * 1024",
        new="CHUNK = (63) * 1024",
        why="in what pieces an answer is read changes nothing in it",
    ),
    Equivalent(
        file="transport/answer.py",
        old="CHUNK = 64 * 1024",
        new="CHUNK = 64 * (1025)",
        why="in what pieces an answer is read changes nothing in it",
    ),
    Equivalent(
        file="transport/answer.py",
        old="CHUNK = 64 * 1024",
        new="CHUNK = 64 * (1023)",
        why="in what pieces an answer is read changes nothing in it",
    ),
    Equivalent(
        file="transport/answer.py",
        old="GZIP_OR_ZLIB = zlib.MAX_WBITS | 32",
        new="GZIP_OR_ZLIB = zlib.MAX_WBITS | (33)",
        why="the flag is in zlib.MAX_WBITS already",
    ),
    Equivalent(
        file="transport/answer.py",
        old="super().__init__()",
        new="pass",
        why="RawIOBase keeps nothing of its own",
    ),
    Equivalent(
        file="transport/answer.py",
        old='incoming = http.client.HTTPResponse(cast("socket.socket", reader), method=method)',
        new="incoming = (http.client.HTTPResponse(cast('socket.socket', reader)))",
        why="only answers to HEAD are read otherwise, and none is asked for",
    ),
    Equivalent(
        file="transport/answer.py",
        old="incoming.close()",
        new="pass",
        why="closing the reader frees memory earlier; the connection is closed by its owner",
    ),
    Equivalent(
        file="transport/answer.py",
        old="plain = inflater.decompress(body, max_body + 1)",
        new="plain = inflater.decompress(body, max_body + (2))",
        why="one byte too many is enough to know, two are too",
    ),
    Equivalent(
        file="transport/connection.py",
        old="connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)",
        new="connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, (2))",
        why="any number but zero turns it on",
    ),
    Equivalent(
        file="transport/connection.py",
        old="return bool(poll.poll(0))",
        new="return bool(poll.poll((1)))",
        why="a millisecond of waiting for what is there at once",
    ),
    Equivalent(
        file="transport/connection.py",
        old="for left, (family, kind, protocol, _, address) in zip(shares, addresses, strict=True):",
        new="for left, (family, kind, protocol, _, address) in (zip(shares, addresses)):",
        why="both are of one length by the line above",
    ),
    Equivalent(
        file="transport/connection.py",
        old="for left, (family, kind, protocol, _, address) in zip(shares, addresses, strict=True):",
        new="for left, (family, kind, protocol, _, address) in zip(shares, addresses, strict=(False)):",
        why="both are of one length by the line above",
    ),
    Equivalent(
        file="aws/failures.py",
        old="super().__init__()",
        new="pass",
        why="who catches it reads the item and no words",
    ),
    Equivalent(
        file="aws/meters.py",
        old="PRICE_LIFE = timedelta(days=7)",
        new="PRICE_LIFE = timedelta(days=(8))",
        why="an item that nobody asks for any more is kept for a day more or less",
    ),
    Equivalent(
        file="aws/meters.py",
        old="PRICE_LIFE = timedelta(days=7)",
        new="PRICE_LIFE = timedelta(days=(6))",
        why="an item that nobody asks for any more is kept for a day more or less",
    ),
    Equivalent(
        file="aws/meters.py",
        old="MEMORY_SIZE = 1000",
        new="MEMORY_SIZE = (1001)",
        why="when a worker forgets what it read: it reads again",
    ),
    Equivalent(
        file="aws/meters.py",
        old="MEMORY_SIZE = 1000",
        new="MEMORY_SIZE = (999)",
        why="when a worker forgets what it read: it reads again",
    ),
    Equivalent(
        file="transport/download.py",
        old="max_sent: int = 128 * MIB",
        new="max_sent: int = (129) * MIB",
        why="a round bound, a hundredth more or less",
    ),
    Equivalent(
        file="transport/download.py",
        old="max_sent: int = 128 * MIB",
        new="max_sent: int = (127) * MIB",
        why="a round bound, a hundredth more or less",
    ),
    Equivalent(
        file="transport/download.py",
        old="max_inflated: int = 384 * MIB",
        new="max_inflated: int = (385) * MIB",
        why="a round bound, a hundredth more or less",
    ),
    Equivalent(
        file="transport/download.py",
        old="max_inflated: int = 384 * MIB",
        new="max_inflated: int = (383) * MIB",
        why="a round bound, a hundredth more or less",
    ),
    Equivalent(
        file="aws/failures.py",
        old='status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)',
        new='status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", (1))',
        why="any number below 500 says the same",
    ),
    Equivalent(
        file="aws/failures.py",
        old='status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)',
        new='status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", (-1))',
        why="any number below 500 says the same",
    ),
    Equivalent(
        file="aws/gate.py",
        old="if len(self._used_at) > 1000:  # noqa: PLR2004 - a worker that serves that many paces may forget",
        new="if (len(self._used_at) >= 1000):  # noqa: PLR2004 - a worker that serves that many paces may forget",
        why="when a worker forgets what it knows of other accounts: the table decides",
    ),
    Equivalent(
        file="aws/gate.py",
        old="if len(self._used_at) > 1000:  # noqa: PLR2004 - a worker that serves that many paces may forget",
        new="if len(self._used_at) > (1001):  # noqa: PLR2004 - a worker that serves that many paces may forget",
        why="when a worker forgets what it knows of other accounts: the table decides",
    ),
    Equivalent(
        file="aws/gate.py",
        old="if len(self._used_at) > 1000:  # noqa: PLR2004 - a worker that serves that many paces may forget",
        new="if len(self._used_at) > (999):  # noqa: PLR2004 - a worker that serves that many paces may forget",
        why="when a worker forgets what it knows of other accounts: the table decides",
    ),
    Equivalent(
        file="aws/gate.py",
        old="slots = [Slot(pace, (start + step) % pace.calls_per_second) for step in range(pace.calls_per_second)]",
        new="slots = [Slot(pace, ((start - step)) % pace.calls_per_second) for step in range(pace.calls_per_second)]",
        why="the same slots from a start that is chosen by chance",
    ),
    Equivalent(
        file="aws/gate.py",
        old="return min(slots, key=lambda slot: max(0, self._wait_ms(slot)))",
        new="return min(slots, key=lambda slot: max((1), self._wait_ms(slot)))",
        why="a millisecond of preference among free slots; the table decides",
    ),
    Equivalent(
        file="aws/gate.py",
        old="return min(slots, key=lambda slot: max(0, self._wait_ms(slot)))",
        new="return min(slots, key=lambda slot: max((-1), self._wait_ms(slot)))",
        why="a millisecond of preference among free slots; the table decides",
    ),
    Equivalent(
        file="domain/request.py",
        old="Field(gt=0, max_digits=14, decimal_places=4, allow_inf_nan=False),",
        new="(Field(gt=0, max_digits=14, decimal_places=4)),",
        why="a Decimal field refuses what is not finite without being told",
    ),
    Equivalent(
        file="aws/gate.py",
        old="return self._used_at.get(slot.key, 0) + _rest_ms() - epoch_ms(slot.pace.at)",
        new="return self._used_at.get(slot.key, (1)) + _rest_ms() - epoch_ms(slot.pace.at)",
        why="a millisecond of 1970",
    ),
    Equivalent(
        file="aws/gate.py",
        old="return self._used_at.get(slot.key, 0) + _rest_ms() - epoch_ms(slot.pace.at)",
        new="return self._used_at.get(slot.key, (-1)) + _rest_ms() - epoch_ms(slot.pace.at)",
        why="a millisecond of 1970",
    ),
    Equivalent(
        file="aws/orders_table.py",
        old="return secrets.token_hex(8)",
        new="return secrets.token_hex((9))",
        why="a name that nobody else has, a byte longer",
    ),
    Equivalent(
        file="aws/orders_table.py",
        old="return secrets.token_hex(8)",
        new="return secrets.token_hex((7))",
        why="a name that nobody else has, a byte shorter",
    ),
    Equivalent(
        file="aws/orders_table.py",
        old="return [name for name, reason in zip(gate.switches, reasons, strict=False) if _has_failed(reason)]",
        new="return [name for name, reason in (zip(gate.switches, reasons)) if _has_failed(reason)]",
        why="what is left out is the default",
    ),
    Equivalent(
        file="aws/seen_alerts.py",
        old="if first is not None and first > at - timedelta(seconds=window_s):",
        new="if first is not None and (first >= at - timedelta(seconds=window_s)):",
        why="at that instant the claim before it has passed already",
    ),
    Equivalent(
        file="domain/audit.py",
        old='order = (line.get("client_order_id", ""), line.get("line", 0))',
        new='order = (line.get("client_order_id", ""), line.get("line", (1)))',
        why="lines of switches all lack it, and an order's line differs from theirs before it",
    ),
    Equivalent(
        file="domain/audit.py",
        old='order = (line.get("client_order_id", ""), line.get("line", 0))',
        new='order = (line.get("client_order_id", ""), line.get("line", (-1)))',
        why="lines of switches all lack it, and an order's line differs from theirs before it",
    ),
    Equivalent(
        file="domain/audit.py",
        old='text = json.dumps(dict(line), sort_keys=True, separators=(",", ":"), ensure_ascii=True)',
        new="text = (json.dumps(dict(line), sort_keys=True, separators=(',', ':')))",
        why="what is left out is the default",
    ),
    Equivalent(
        file="domain/audit.py",
        old='return "".join(json.dumps(dict(line), ensure_ascii=True) + "\\n" for line in lines)',
        new='return "".join((json.dumps(dict(line))) + "\\n" for line in lines)',
        why="what is left out is the default",
    ),
    Equivalent(
        file="domain/breaker.py",
        old=(
            "return replace(\n"
            "breaker,\n"
            "state=BreakerState.OPEN,\n"
            "since=at,\n"
            "by=by,\n"
            "reason=reason,\n"
            "pause=pause,\n"
            "probe_at=at + pause,\n"
            "owner=None,\n"
            "lease_until=None,\n"
            "is_told=False,\n"
            ")"
        ),
        new=(
            "return (replace(breaker, state=BreakerState.OPEN, since=at, by=by, reason=reason, pause=pause,"
            " probe_at=at + pause, lease_until=None, is_told=False))"
        ),
        why="a closed breaker has neither an owner nor a lease",
    ),
    Equivalent(
        file="domain/breaker.py",
        old=(
            "return replace(\n"
            "breaker,\n"
            "state=BreakerState.OPEN,\n"
            "since=at,\n"
            "by=by,\n"
            "reason=reason,\n"
            "pause=pause,\n"
            "probe_at=at + pause,\n"
            "owner=None,\n"
            "lease_until=None,\n"
            "is_told=False,\n"
            ")"
        ),
        new=(
            "return (replace(breaker, state=BreakerState.OPEN, since=at, by=by, reason=reason, pause=pause,"
            " probe_at=at + pause, owner=None, is_told=False))"
        ),
        why="a closed breaker has neither an owner nor a lease",
    ),
    Equivalent(
        file="domain/breaker.py",
        old="pairs = zip(order.history, order.history[1:], strict=False)",
        new="pairs = (zip(order.history, order.history[1:]))",
        why="what is left out is the default",
    ),
    Equivalent(
        file="domain/kill_work.py",
        old="side = Side.SELL if position.quantity > 0 else Side.BUY",
        new="side = Side.SELL if (position.quantity >= 0) else Side.BUY",
        why="a position of nothing has no parts to have a side",
    ),
    Equivalent(
        file="domain/kill_work.py",
        old="side = Side.SELL if position.quantity > 0 else Side.BUY",
        new="side = Side.SELL if position.quantity > (-1) else Side.BUY",
        why="a position of nothing has no parts to have a side",
    ),
    Equivalent(
        file="service/kill_switch.py",
        old="continue",
        new="pass",
        why="nothing follows it in its loop",
    ),
    Equivalent(
        file="service/gates.py",
        old="counters.append(Counter(name, limit, at + timedelta(hours=1), empties_in_s))",
        new="counters.append(Counter(name, limit, at + timedelta(hours=(2)), empties_in_s))",
        why="an item that nobody asks for any more is kept for longer",
    ),
    Equivalent(
        file="service/gates.py",
        old='counters.append(Counter(f"calls#{account.name}#{day}", limit, at + timedelta(days=2)))',
        new='counters.append(Counter(f"calls#{account.name}#{day}", limit, at + timedelta(days=(3))))',
        why="an item that nobody asks for any more is kept for longer",
    ),
    Equivalent(
        file="domain/limits.py",
        old="Field(gt=0, max_digits=16, decimal_places=2, allow_inf_nan=False),",
        new="(Field(gt=0, max_digits=16, decimal_places=2)),",
        why="a Decimal field refuses what is not finite without being told",
    ),
    Equivalent(
        file="domain/meter.py",
        old="METER_LIFE = LONGEST_CLOSURE + timedelta(days=2)",
        new="METER_LIFE = LONGEST_CLOSURE + timedelta(days=(3))",
        why="an item that nobody asks for any more is kept for longer",
    ),
    Equivalent(
        file="domain/protection.py",
        old="if limit <= 0 or (quote.lower_circuit or 0) > limit or limit > (quote.upper_circuit or limit):",
        new="if limit <= 0 or (quote.lower_circuit or (-1)) > limit or limit > (quote.upper_circuit or limit):",
        why="a limit that gets there is above zero",
    ),
    Equivalent(
        file="service/asking.py",
        old="if self.next_at is not None and now < self.next_at:",
        new="if self.next_at is not None and (now <= self.next_at):",
        why="at that instant the wait is of no time",
    ),
    Equivalent(
        file="service/change.py",
        old="super().__init__()",
        new="pass",
        why="Exception keeps its arguments before __init__ is called, and both are caught where they are raised",
    ),
    Equivalent(
        file="service/exposure.py",
        old='desk.metrics.put({"gross_exposure": int(counted.get(GROSS, 0))}, {"account": account.name})',
        new='desk.metrics.put({"gross_exposure": int(counted.get(GROSS, (1)))}, {"account": account.name})',
        why="once positions were read it is there",
    ),
    Equivalent(
        file="service/exposure.py",
        old='desk.metrics.put({"gross_exposure": int(counted.get(GROSS, 0))}, {"account": account.name})',
        new='desk.metrics.put({"gross_exposure": int(counted.get(GROSS, (-1)))}, {"account": account.name})',
        why="once positions were read it is there",
    ),
    Equivalent(
        file="service/exposure.py",
        old="found = amounts.get(attribute, Decimal(0))",
        new="found = amounts.get(attribute, Decimal((-1)))",
        why="below zero is as far from a limit as zero, and what counts by its size is there once positions were read",
    ),
    Equivalent(
        file="domain/notices.py",
        old='return hashlib.sha256("\\x00".join(parts).encode()).hexdigest()[:32]',
        new='return hashlib.sha256("\\x00".join(parts).encode()).hexdigest()[:(33)]',
        why="a digest of which nobody reads a digit, one longer",
    ),
    Equivalent(
        file="domain/notices.py",
        old='return hashlib.sha256("\\x00".join(parts).encode()).hexdigest()[:32]',
        new='return hashlib.sha256("\\x00".join(parts).encode()).hexdigest()[:(31)]',
        why="a digest of which nobody reads a digit, one shorter",
    ),
    Equivalent(
        file="domain/telling.py",
        old='return hashlib.sha256(f"{message_id}\\x00{channel}".encode()).hexdigest()[:32]',
        new='return hashlib.sha256(f"{message_id}\\x00{channel}".encode()).hexdigest()[:(33)]',
        why="a digest of which nobody reads a digit, one longer",
    ),
    Equivalent(
        file="domain/telling.py",
        old='return hashlib.sha256(f"{message_id}\\x00{channel}".encode()).hexdigest()[:32]',
        new='return hashlib.sha256(f"{message_id}\\x00{channel}".encode()).hexdigest()[:(31)]',
        why="a digest of which nobody reads a digit, one shorter",
    ),
    Equivalent(
        file="service/sending.py",
        old="return _Renewal.FAILED",
        new="return None",
        why="asked for are the other ends of a renewal, and this is none of them",
    ),
    Equivalent(
        file="domain/channel.py",
        old="return end if end > local else end + timedelta(days=1)",
        new="return end if (end >= local) else end + timedelta(days=1)",
        why="the moment at which quiet hours end is not in them, as was seen before",
    ),
    Equivalent(
        file="domain/instrument_list.py",
        old="MAX_ROWS = 500_000",
        new="MAX_ROWS = (500001)",
        why="a round figure far from every list",
    ),
    Equivalent(
        file="domain/instrument_list.py",
        old="MAX_ROWS = 500_000",
        new="MAX_ROWS = (499999)",
        why="a round figure far from every list",
    ),
    Equivalent(
        file="service/attempt.py",
        old="first, rest = attempt.events[:1], attempt.events[1:]",
        new="first, rest = attempt.events[:1], attempt.events[(0):]",
        why="an event that says nothing new is left out of the history",
    ),
    Equivalent(
        file="domain/channel.py",
        old="if start < end:",
        new="if (start <= end):",
        why="hours that end as they begin are none, as the caller has seen before",
    ),
    Equivalent(
        file="domain/channel.py",
        old="return min(max(usual, asked_for_s or 0), 43_000)",
        new="return min(max(usual, asked_for_s or (1)), 43_000)",
        why="the usual wait is never below five seconds",
    ),
    Equivalent(
        file="domain/channel.py",
        old="return min(max(usual, asked_for_s or 0), 43_000)",
        new="return min(max(usual, asked_for_s or (-1)), 43_000)",
        why="the usual wait is never below five seconds",
    ),
    Equivalent(
        file="service/telling.py",
        old="return now.replace(second=0, microsecond=0) + timedelta(minutes=1)",
        new="return now.replace(second=0, microsecond=(1)) + timedelta(minutes=1)",
        why="a microsecond; the queue delays by whole seconds",
    ),
    Equivalent(
        file="domain/trading_calendar.py",
        old="yield at.date() + step * DAY",
        new="yield (at.date() - step * DAY)",
        why="the same three dates in another order",
    ),
    Equivalent(
        file="domain/instrument_list.py",
        old="floor = expected.floors.get(exchange, 0) if exchange in expected.exchanges else 0",
        new="floor = expected.floors.get(exchange, (-1)) if exchange in expected.exchanges else 0",
        why="no count is below 0",
    ),
    Equivalent(
        file="domain/instrument_list.py",
        old="floor = expected.floors.get(exchange, 0) if exchange in expected.exchanges else 0",
        new="floor = expected.floors.get(exchange, 0) if exchange in expected.exchanges else (-1)",
        why="no count is below 0",
    ),
    Equivalent(
        file="service/egress.py",
        old="MAX_ADDRESS = 64",
        new="MAX_ADDRESS = (65)",
        why="an address has 45 characters at most: how much of what follows is read changes nothing",
    ),
    Equivalent(
        file="service/egress.py",
        old="MAX_ADDRESS = 64",
        new="MAX_ADDRESS = (63)",
        why="an address has 45 characters at most: how much of what follows is read changes nothing",
    ),
    Equivalent(
        file="service/instruments.py",
        old="continue",
        new="pass",
        why="nothing follows in the loop",
    ),
    Equivalent(
        file="service/day_orders.py",
        old="PAGE = 200",
        new="PAGE = (201)",
        why="a page size changes how often the table is asked, not what it says",
    ),
    Equivalent(
        file="service/day_orders.py",
        old="PAGE = 200",
        new="PAGE = (199)",
        why="a page size changes how often the table is asked, not what it says",
    ),
    Equivalent(
        file="service/postbacks.py",
        old="has_our_tag = rule.is_echoed and rule.max_length > 0 and report.client_tag is not None",
        new="has_our_tag = rule.is_echoed and rule.max_length > (1) and report.client_tag is not None",
        why="no broker takes a tag of one letter",
    ),
    Equivalent(
        file="transport/download.py",
        old='incoming = http.client.HTTPResponse(cast("ssl.SSLSocket", reader), method="GET")',
        new="incoming = (http.client.HTTPResponse(cast('ssl.SSLSocket', reader)))",
        why="only answers to HEAD are read otherwise, and none is asked for",
    ),
)


def equivalent_of(file: str, diff: str) -> Equivalent | None:
    """Return what is known of a mutant that changes nothing, None of any other."""
    sides = {sign: [line[1:].strip() for line in diff.splitlines() if line.startswith(sign)] for sign in "-+"}
    found = (
        one
        for one in EQUIVALENT
        if one.file == file and sides == {"-": one.old.split("\n"), "+": one.new.split("\n")}
    )
    return next(found, None)
