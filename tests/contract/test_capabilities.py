"""The table of capabilities in brokers/README.md is what the profiles say."""

from tests.contract.capabilities import PAGE, page_with_table, registered_profiles


def test_the_table_of_capabilities_is_what_the_profiles_say() -> None:
    page = PAGE.read_text()

    assert page_with_table(page, registered_profiles()) == page
