"""The trader is told: once, in time, on every channel that wants it; no link goes astray and no order waits for it."""

from tests.mutants.mutant import Mutant

TELLING = "tests/unit/service/test_telling.py::"
ERRORS = "tests/unit/test_error_count.py::"
FACE = "tests/unit/api/test_notifications.py::"
NEWS = "tests/unit/domain/test_order_news.py::"
SHOWN = "tests/unit/domain/test_channel.py::"
CHANNELS = "tests/integration/test_channels.py::"

MUTANTS = (
    Mutant(
        name="delivery-told-again",
        breaks="a message that comes again is told again",
        file="service/telling.py",
        old="    if desk.memory.was_told(delivery.delivery_id):\n        return\n",
        new="",
        killed_by=(TELLING + "test_a_message_that_comes_twice_is_told_once_on_each_channel",),
    ),
    Mutant(
        name="link-waits-for-a-summary",
        breaks="the link of a login that is needed now is lost in a summary",
        file="service/telling.py",
        old="    if not may_wait(notice):\n        return None\n",
        new="",
        killed_by=(TELLING + "test_a_link_never_waits_for_a_summary",),
    ),
    Mutant(
        name="urgent-sleeps",
        breaks="an order that is unknown at night is told in the morning",
        file="service/telling.py",
        old="    quiet = None if may_disturb(notice) else quiet_until(channel, now)",
        new="    quiet = quiet_until(channel, now)",
        killed_by=(TELLING + "test_what_is_urgent_wakes_the_trader",),
    ),
    Mutant(
        name="owner-forgotten",
        breaks="a worker that dies while it spreads a notice leaves channels out for ever",
        file="aws/notice_memory.py",
        old=" OR #owner = :owner",
        new="",
        killed_by=(TELLING + "test_each_channel_is_told_once",),
    ),
    Mutant(
        name="summary-dropped-untold",
        breaks="what waited is gone when the channel fails to take it",
        file="service/telling.py",
        old="        desk.memory.give_back(channel.name)\n        raise\n",
        new="        desk.memory.drop_held(channel.name)\n        raise\n",
        killed_by=(TELLING + "test_a_summary_that_fails_is_told_later_and_once",),
    ),
    Mutant(
        name="stream-s-kinds-queued",
        breaks="an order path asks a queue for what the stream tells",
        file="aws/notice_queue.py",
        old="KINDS[notice.kind].is_streamed",
        new="False",
        killed_by=(TELLING + "test_what_the_stream_tells_is_not_queued_as_well",),
    ),
    Mutant(
        name="old-steps-are-news",
        breaks="each change of an order queues its whole life again",
        file="aws/order_stream.py",
        old="len(before.history)",
        new="0",
        killed_by=(FACE + "test_only_what_is_new_in_an_order_is_queued",),
    ),
    Mutant(
        name="wait-ignored",
        breaks="a channel that asked for a pause is asked again at once",
        file="api/tellings.py",
        old="error.retry_after_s if isinstance(error, ChannelDown) else None",
        new="None",
        killed_by=(TELLING + "test_a_channel_says_when_it_wants_to_be_asked_again",),
    ),
    Mutant(
        name="preview-on",
        breaks="Telegram's preview opens a link that is good for one opening",
        file="transport/channels/telegram.py",
        old='"is_disabled": True',
        new='"is_disabled": False',
        killed_by=(CHANNELS + "test_telegram_gets_the_words_and_the_links_and_opens_none_of_them",),
    ),
    Mutant(
        name="token-in-telegram-s-words",
        breaks="a token that Telegram repeats ends in a log",
        file="transport/channels/telegram.py",
        old='.replace(token.reveal(), "***")',
        new="",
        killed_by=(CHANNELS + "test_no_token_and_no_link_is_in_an_error[repeats_the_token-telegram]",),
    ),
    Mutant(
        name="link-on-a-webhook",
        breaks="a login's link goes to whoever keeps a webhook's posts",
        file="transport/channels/webhook.py",
        old='"message": notice.message,',
        new='"message": notice.message, "link": notice.link,',
        killed_by=(CHANNELS + "test_a_webhook_gets_a_signed_notice_without_a_link",),
    ),
    Mutant(
        name="webhook-address-shown",
        breaks="every admin key reads a webhook's whole address, which may be a secret by itself",
        file="domain/channel.py",
        old="""{parts.netloc.rpartition('@')[2]}/...\"""",
        new="""{parts.netloc.rpartition('@')[2]}{parts.path}\"""",
        killed_by=(
            FACE + "test_a_webhook_s_address_is_answered_without_what_may_be_a_secret",
            SHOWN + "test_of_a_webhook_s_address_scheme_and_host_are_shown",
        ),
    ),
    Mutant(
        name="name-in-an-address-shown",
        breaks="a password in an address that an earlier release took is shown with its host",
        file="domain/channel.py",
        old="{parts.netloc.rpartition('@')[2]}",
        new="{parts.netloc}",
        killed_by=(SHOWN + "test_of_a_webhook_s_address_scheme_and_host_are_shown",),
    ),
    Mutant(
        name="own-machine-asked",
        breaks="a webhook's address reaches what listens on the function's own machine",
        file="transport/channels/speakers.py",
        old="if is_local(channel.url) and not self.allows_local:",
        new="if False:",
        killed_by=(CHANNELS + "test_the_functions_own_machine_is_asked_nothing_unless_the_deployer_says_so",),
    ),
    Mutant(
        name="held-order-told-each-time",
        breaks="an order that waits is told each time that it is put back",
        file="domain/order_news.py",
        old="    return is_first or step.event.kind is not EventKind.HELD",
        new="    return True",
        killed_by=(NEWS + "test_an_order_that_waits_again_is_told_once",),
    ),
    Mutant(
        name="caught-and-forgotten",
        breaks="an error that was caught is counted by nobody, and raises no alarm",
        file="logs.py",
        old="        super().__init__(logging.ERROR)\n",
        new="        super().__init__(logging.CRITICAL)\n",
        killed_by=(
            ERRORS + "test_an_answer_that_hides_a_defect_is_counted",
            ERRORS + "test_an_account_that_could_not_be_looked_at_is_counted",
        ),
    ),
)
