"""Mutants of combinations of several legs: what a name means, and what an order of it does."""

from tests.mutants.mutant import Mutant

TABLE = "aws/listings_table.py"
TESTS = "tests/integration/test_combinations.py::"
RULES = "tests/unit/domain/test_combination.py::"

MUTANTS = (
    Mutant(
        name="sold-leg-bought",
        breaks="a leg that is to be sold is bought",
        file="brokers/ibkr/combinations.py",
        old="SIGNS[leg.side] * leg.ratio for leg in legs",
        new="abs(SIGNS[leg.side]) * leg.ratio for leg in legs",
        killed_by=(TESTS + "test_a_combination_is_defined_ordered_filled_and_shows_as_what_it_is",),
    ),
    Mutant(
        name="ratio-of-a-leg-lost",
        breaks="an order of another ratio is taken for an order of the combination",
        file="brokers/ibkr/wire.py",
        old='",".join(f"{conid}/{ratio}" for conid, ratio in legs)',
        new='",".join(f"{conid}/{min(ratio, 1)}" for conid, ratio in ((conid, ratio and 1) for conid, ratio in legs))',
        killed_by=(TESTS + "test_the_same_legs_in_another_ratio_are_another_combination",),
    ),
    Mutant(
        name="name-means-something-else",
        breaks="a name that orders are placed by is given another meaning",
        file=TABLE,
        old='"attribute_not_exists(pk) OR document = :document OR expires_at <= :now"',
        new='"attribute_not_exists(pk) OR attribute_exists(pk) OR document = :document OR expires_at <= :now"',
        killed_by=(TESTS + "test_the_same_again_is_the_same_and_another_meaning_is_refused",),
    ),
    Mutant(
        name="taken-name-said-to-be-defined",
        breaks="a trader is told that a name means these legs, and it means others",
        file=TABLE,
        old="                return False\n        for item in items:",
        new="                return True\n        for item in items:",
        killed_by=(TESTS + "test_the_same_legs_in_another_order_are_taken",),
    ),
    Mutant(
        name="refresh-forgets-combinations",
        breaks="a refresh of the list deletes by what the book's rows of a combination are found",
        file="aws/instrument_lists.py",
        old='(item for item in answer["Items"] if DEFINED_AT not in item)',
        new='(item for item in answer["Items"])',
        killed_by=(TESTS + "test_a_combination_outlives_every_refresh_and_ends_after_its_first_leg",),
    ),
    Mutant(
        name="combination-not-held-to-its-definition",
        breaks="an order of a combination whose first leg has ended goes out",
        file="service/fitting.py",
        old=" or request.instrument.exchange is Exchange.COMBO:",
        new=":",
        killed_by=(TESTS + "test_an_order_is_held_to_the_combination_as_it_was_defined",),
    ),
    Mutant(
        name="ratios-not-in-lowest-terms",
        breaks="a combination is defined that the broker shortens, and its book shows another",
        file="domain/combination.py",
        old="    if common > 1:",
        new="    if common > 2:",
        killed_by=(RULES + "test_what_is_no_combination_is_refused_by_name",),
    ),
    Mutant(
        name="trader-redefines",
        breaks="whoever may trade says what a name means that others trade by",
        file="api/combinations.py",
        old="    request.require(Scope.ADMIN)",
        new="    request.require(Scope.READ)",
        killed_by=(TESTS + "test_only_who_runs_the_stack_says_what_a_name_means",),
    ),
)
