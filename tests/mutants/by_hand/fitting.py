"""Mutants of what an order must fit before it is written: the broker's list, and a limit for a market order."""

from tests.mutants.mutant import Mutant

FILE = "service/fitting.py"
LISTING = "domain/listing.py"
PROTECTION = "domain/protection.py"
FITTING_TESTS = "tests/unit/service/test_fitting.py::"
LISTING_TESTS = "tests/unit/domain/test_listing.py::"
PROTECTION_TESTS = "tests/unit/domain/test_protection.py::"

MUTANTS = (
    Mutant(
        name="listing-not-asked",
        breaks="an instrument that the broker does not list goes out",
        file=FILE,
        old="    if broker.profile.has_master or request",
        new="    if not broker.profile.has_master or request",
        killed_by=(
            FITTING_TESTS
            + "test_an_instrument_that_the_broker_does_not_list_is_refused_before_anything_is_sent",
        ),
    ),
    Mutant(
        name="unreadable-list-is-absence",
        breaks="a list that cannot be read for the moment refuses the order for good",
        file=FILE,
        old="        raise StoreUnavailable(error.message) from error",
        new="        raise InstrumentUnknown(error.message) from error",
        killed_by=(
            FITTING_TESTS + "test_an_order_waits_for_a_list_that_cannot_be_read_and_nothing_is_written",
        ),
    ),
    Mutant(
        name="market-protected-unasked",
        breaks="a broker that takes market orders gets limits instead",
        file=FILE,
        old="    if band is None or asked in broker.profile.order_types or asked not in PROTECTED_AS:",
        new="    if band is None or asked not in PROTECTED_AS:",
        killed_by=(FITTING_TESTS + "test_a_broker_that_takes_market_orders_gets_them_as_they_are",),
    ),
    Mutant(
        name="another-instrument-s-price",
        breaks="a limit is set from the price of another instrument",
        file="service/pricing.py",
        old="(quote for quote in quotes if quote.instrument == instrument)",
        new="(quote for quote in quotes)",
        killed_by=(FITTING_TESTS + "test_a_price_of_another_instrument_sets_no_limit",),
    ),
    Mutant(
        name="expired-contract-goes-out",
        breaks="a contract is ordered after its last day",
        file=LISTING,
        old="day > listing.expiry",
        new="day < listing.expiry",
        killed_by=(LISTING_TESTS + "test_a_contract_is_refused_the_day_after_its_last",),
    ),
    Mutant(
        name="last-day-refused",
        breaks="a contract cannot be traded on its last day",
        file=LISTING,
        old="day > listing.expiry",
        new="day >= listing.expiry",
        killed_by=(LISTING_TESTS + "test_an_order_that_fits_passes_on_the_contracts_last_day",),
    ),
    Mutant(
        name="freeze-quantity-off-by-one",
        breaks="an order of exactly the freeze quantity is refused",
        file=LISTING,
        old="request.quantity > listing.freeze_quantity",
        new="request.quantity >= listing.freeze_quantity",
        killed_by=(LISTING_TESTS + "test_as_much_as_the_freeze_quantity_passes_and_a_lot_more_does_not",),
    ),
    Mutant(
        name="limit-on-the-wrong-side",
        breaks="a protected buy rests below the market",
        file=PROTECTION,
        old="    edge = base + reach if is_buy else base - reach",
        new="    edge = base - reach if is_buy else base + reach",
        killed_by=(PROTECTION_TESTS + "test_a_market_buy_becomes_a_limit_above_the_last_price",),
    ),
    Mutant(
        name="limit-beyond-the-band",
        breaks="rounding to the tick pays more than the band allows",
        file=PROTECTION,
        old="ROUND_FLOOR if is_buy else ROUND_CEILING",
        new="ROUND_CEILING if is_buy else ROUND_FLOOR",
        killed_by=(
            PROTECTION_TESTS + "test_a_market_buy_becomes_a_limit_above_the_last_price",
            PROTECTION_TESTS + "test_a_market_sell_becomes_a_limit_below_the_last_price",
        ),
    ),
    Mutant(
        name="limit-outside-the-circuit",
        breaks="a protected order is refused by the exchange for its price",
        file=PROTECTION,
        old="        price = min(price, quote.upper_circuit)",
        new="        price = max(price, quote.upper_circuit)",
        killed_by=(PROTECTION_TESTS + "test_a_limit_stays_inside_the_circuit",),
    ),
    Mutant(
        name="held-order-let-go-unfitted",
        breaks="a market order that was held goes out as it is to a broker that takes none, and ends there",
        file="service/place.py",
        old="        fitted = fit(desk, job.order, job.account, job.broker)",
        new="        fitted = job.order",
        killed_by=(
            FITTING_TESTS + "test_a_held_market_order_leaves_as_a_limit_from_the_price_of_when_it_is_let_go",
        ),
    ),
)
