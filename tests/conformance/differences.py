"""Where an implementation does not do what AWS documents; the fakes may not be among them.

`documented` is what the probe's docstring says, with its page.
"""

MOTO, MINISTACK = "moto", "ministack"

KNOWN_DIFFERENCES: dict[tuple[str, str], str] = {
    # ------------------------------------------------------------ conditions
    ("values_of_two_types_are_never_equal", MOTO): "fails on < between a number and a text",
    ("a_placeholder_that_is_not_used_is_refused", MOTO): "takes values that are not used",
    ("a_placeholder_that_is_not_given_is_refused", MOTO): "raises KeyError",
    ("an_expression_must_be_well_formed", MOTO): "raises ValueError",
    ("a_function_is_one_of_the_list", MOTO): "raises ValueError",
    ("a_function_is_one_of_the_list", MINISTACK): "takes any name, and the condition is false",
    ("a_type_that_has_no_order_is_not_compared", MOTO): "the condition is false",
    ("a_type_that_has_no_order_is_not_compared", MINISTACK): "the condition is false",
    # ------------------------------------------------------------ updates
    ("an_update_that_is_refused_changes_nothing", MOTO): "changes what stands inside a map",
    ("an_expression_has_at_most_4_kb", MOTO): "takes longer expressions",
    ("a_sum_needs_its_attribute", MINISTACK): "adds a number to a text",
    ("one_update_writes_a_path_once", MINISTACK): "takes paths that overlap",
    ("a_clause_stands_once", MINISTACK): "takes a second SET",
    # ------------------------------------------------------------ values and keys
    ("a_number_of_39_digits_is_refused", MOTO): "stores more than 38 digits",
    ("a_number_has_a_magnitude", MOTO): "stores 1E+126",
    ("needless_zeros_are_trimmed", MOTO): "keeps the spelling",
    ("an_item_holds_400_kb_names_counted", MOTO): "counts the request's JSON",
    ("documents_nest_32_levels", MOTO): "nests deeper",
    ("a_key_has_just_its_attributes", MOTO): "looks for a key of another type",
    ("a_set_holds_each_value_once", MOTO): "takes a set with a value twice",
    ("an_index_key_has_its_type_and_is_not_empty", MOTO): "stores an index key of another type",
    ("an_attribute_has_one_type", MOTO): "stores the first of two types",
    # ------------------------------------------------------------ transactions
    ("an_update_that_cannot_be_done_cancels_all", MOTO): "ValidationException for the whole, no reasons",
    ("a_token_makes_a_repeat_harmless", MOTO): "does the transaction again",
    ("a_token_repeats_although_its_condition_fails_now", MOTO): "judges the transaction again",
    ("a_token_is_for_one_request", MOTO): "does the other transaction",
    # ------------------------------------------------------------ queries
    ("a_key_to_go_on_with_is_no_promise", MOTO): "gives no key with the last item",
    ("a_key_condition_names_one_partition", MOTO): "raises AssertionError at <>",
    ("a_key_condition_has_the_keys_type", MOTO): "finds nothing",
    ("an_index_that_is_not_there_is_refused", MOTO): "ResourceNotFoundException",
    ("a_start_lies_in_the_partition", MOTO): "goes on from there",
    ("a_batch_of_writes_holds_25", MOTO): "writes any number",
    ("a_batch_writes_an_item_once", MOTO): "writes it more than once",
    ("a_batch_checks_its_keys", MOTO): "does what stands before the wrong key",
    ("a_batch_tells_what_it_used", MOTO): "counts one unit for each table",
    ("a_write_costs_a_unit_for_each_kb", MOTO): "counts one unit for each table",
    ("an_index_costs_writes_too", MOTO): "counts one unit for each table",
    # ------------------------------------------------------------ queues
    ("a_deduplication_id_outlives_its_message", MOTO): "delivers a duplicate of a deleted message",
    ("deduplication_may_be_by_group", MOTO): "drops the same id in another group",
    ("an_id_has_128_characters", MOTO): "takes longer ids",
    ("an_id_has_128_characters", MINISTACK): "takes longer ids",
    ("sequence_numbers_go_up", MOTO): "gives random numbers",
    ("an_expired_handle_deletes_nothing", MOTO): "deletes the message",
    ("an_expired_handle_deletes_nothing", MINISTACK): "deletes the message",
    ("an_old_handle_does_not_delete_a_newer_receive", MOTO): "deletes the message",
    ("only_a_message_in_flight_has_a_visibility", MOTO): "hides a message that is not in flight",
    ("only_a_message_in_flight_has_a_visibility", MINISTACK): "hides a message that is not in flight",
    ("a_visibility_is_at_most_12_hours", MINISTACK): "takes any number of seconds",
    ("a_delay_is_at_most_15_minutes", MINISTACK): "takes any number of seconds",
    ("dead_letters_can_be_sent_again", MOTO): "has no move task",
    ("dead_letters_can_be_sent_again", MINISTACK): "has no move task",
    ("a_body_is_text_that_xml_allows", MOTO): "takes any character",
}
