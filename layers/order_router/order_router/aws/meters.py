"""What is counted and what things cost: the gate's items of money, as parts of its transaction and by themselves."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from order_router.aws.failures import named_failures
from order_router.aws.values import Item, from_item, to_attribute, to_item
from order_router.domain.gate import BaseStale, KeptPrice, LimitReached, PriceCheck, PriceUnfit
from order_router.domain.instrument import Instrument
from order_router.domain.meter import BASED_AT, METER_LIFE, MOVES, Meter, breach_of

Operation = dict[str, Any]
PRICE_LIFE = timedelta(days=7)
MEMORY_SIZE = 1000
ZERO = Decimal(0)


def price_name(broker: str, instrument: Instrument) -> str:
    """Return the key of a kept price."""
    return f"price#{broker}#{instrument}"


def meter_update(table: str, meter: Meter) -> Operation:
    """Return the update that adds what an order adds, on the condition that there is room."""
    names: dict[str, str] = {"#moves": MOVES}
    values: Item = {
        ":expires_at": to_attribute(int(meter.expires_at.timestamp())),
        ":one": to_attribute(1),
    }
    additions = ["#moves :one"]
    for number, (attribute, amount) in enumerate(meter.adds.items()):
        names[f"#a{number}"], values[f":a{number}"] = attribute, to_attribute(amount)
        additions.append(f"#a{number} :a{number}")
    conditions = list(_conditions(meter, names, values))
    update: Operation = {
        "TableName": table,
        "Key": {"gate": {"S": meter.name}},
        "UpdateExpression": f"ADD {', '.join(additions)} SET expires_at = :expires_at",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
    if conditions:
        update["ConditionExpression"] = " AND ".join(conditions)
        update["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return {"Update": update}


def _conditions(meter: Meter, names: dict[str, str], values: Item) -> Iterator[str]:
    """Yield the conditions; an attribute that is not there counts as zero."""
    for sign, bounds in (("<=", meter.at_most), (">=", meter.at_least)):
        for attribute, bound in bounds.items():
            number = len(values)
            names[f"#b{number}"], values[f":b{number}"] = attribute, to_attribute(bound)
            condition = f"#b{number} {sign} :b{number}"
            is_so_of_zero = bound >= 0 if sign == "<=" else bound <= 0
            yield f"(attribute_not_exists(#b{number}) OR {condition})" if is_so_of_zero else condition


def require_room(meter: Meter, item: Item | None) -> None:
    """Raise what keeps the meter from being added to, as the item stands that was found."""
    found = amounts_of(item)
    breach = breach_of(meter, found)
    if breach == BASED_AT:
        raise BaseStale(f"the positions of {meter.whose} are not known")
    if breach is not None:
        raise LimitReached(meter, breach, found.get(breach, ZERO))


def amounts_of(item: Item | None) -> dict[str, Decimal]:
    """Return the numbers of an item."""
    return {name: Decimal(value["N"]) for name, value in (item or {}).items() if "N" in value}


def price_check(table: str, check: PriceCheck) -> Operation:
    """Return the condition that the kept price is fresh and within bounds."""
    conditions, values = ["seen_at >= :oldest"], {":oldest": _moment(check.oldest)}
    for sign, name, bound in ((">=", ":least", check.at_least), ("<=", ":most", check.at_most)):
        if bound is not None:
            conditions.append(f"last_price {sign} {name}")
            values[name] = to_attribute(bound)
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": {"gate": {"S": check.name}},
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeValues": values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def price_unfit(item: Item | None) -> PriceUnfit:
    """Return what to raise for a price that did not do, with what was found."""
    return PriceUnfit(None if item is None else _price(item))


def _moment(at: datetime) -> dict[str, str]:
    return {"N": str(int(at.timestamp()))}


def _price(item: Item) -> KeptPrice:
    fields = from_item(item)
    return KeptPrice(Decimal(fields["last_price"]), datetime.fromtimestamp(fields["seen_at"], UTC))


class MetersTable:
    """Implements `ports.Meters` over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table

    def read(self, name: str) -> Mapping[str, Decimal]:
        """Return the item's amounts as last written."""
        with named_failures("reading what is counted"):
            answer = self._client.get_item(
                TableName=self._table, Key={"gate": {"S": name}}, ConsistentRead=True
            )
        return amounts_of(answer.get("Item"))

    def rebase(
        self, name: str, amounts: Mapping[str, Decimal], *, seen: Mapping[str, Decimal], at: datetime
    ) -> bool:
        """Set these amounts and when they were known, unless something was added since `seen`: then False.

        The item is put whole, what `seen` has beside them included: an expression holds 4 KB, which an account with 150
        instruments outgrows, and an item 400 KB.
        Source: "Constraints in Amazon DynamoDB", expression parameters, read 2026-11-21.
        """
        lasting = {BASED_AT: int(at.timestamp()), "expires_at": int((at + METER_LIFE).timestamp())}
        condition: Operation = {"ConditionExpression": "attribute_not_exists(#moves)"}
        if MOVES in seen:
            condition = {
                "ConditionExpression": "#moves = :moves",
                "ExpressionAttributeValues": {":moves": to_attribute(seen[MOVES])},
            }
        with named_failures("setting what is counted"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item({**seen, **amounts, **lasting, "gate": name}),
                    ExpressionAttributeNames={"#moves": MOVES},
                    **condition,
                )
            except ClientError as error:
                if error.response["Error"]["Code"] in LOST_RACE:
                    return False
                raise
        return True


LOST_RACE = {"ConditionalCheckFailedException", "TransactionConflictException"}


class PricesTable:
    """Implements `ports.Prices` over a low-level DynamoDB client and the gate table."""

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's clients have no type
        self._client = client
        self._table = table
        self._known: dict[str, KeptPrice] = {}

    def name(self, broker: str, instrument: Instrument) -> str:
        """Return the name by which a gate checks the price."""
        return price_name(broker, instrument)

    def recent(self, broker: str, instrument: Instrument, *, oldest: datetime) -> KeptPrice | None:
        """Return the price if one is known that is not older: from memory, else with one read."""
        name = price_name(broker, instrument)
        known = self._known.get(name)
        if known is None or known.at < oldest:
            with named_failures("reading a price"):
                answer = self._client.get_item(TableName=self._table, Key={"gate": {"S": name}})
            if "Item" not in answer:
                return None
            known = self._remember(name, _price(answer["Item"]))
        return known if known.at >= oldest else None

    def keep(self, broker: str, prices: Mapping[Instrument, Decimal], at: datetime) -> None:
        """Store last prices as seen then."""
        fields = {"seen_at": int(at.timestamp()), "expires_at": int((at + PRICE_LIFE).timestamp())}
        for instrument, last in prices.items():
            name = price_name(broker, instrument)
            with named_failures("keeping a price"):
                self._client.put_item(
                    TableName=self._table, Item=to_item({"gate": name, "last_price": last} | fields)
                )
            self._remember(name, KeptPrice(last, at))

    def _remember(self, name: str, price: KeptPrice) -> KeptPrice:
        if len(self._known) >= MEMORY_SIZE:
            self._known.clear()
        self._known[name] = price
        return price
