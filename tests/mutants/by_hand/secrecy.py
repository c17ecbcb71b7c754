"""No secret is shown, and money is exact."""

from tests.mutants.mutant import Mutant

BROKERS = "tests/contract/test_brokers.py::"
SHOWN = "tests/unit/test_reprs.py::"
AUDIT = "tests/unit/domain/test_audit.py::"
VALUES = "tests/unit/aws/test_values.py::"

MUTANTS = (
    Mutant(
        name="secret-shows-itself",
        breaks="a token is printed with the session that holds it",
        file="adapter/session.py",
        old='        return "Secret(***)"',
        new='        return f"Secret({self._text})"',
        killed_by=(SHOWN + "test_no_value_shows_its_secret",),
    ),
    Mutant(
        name="headers-shown",
        breaks="a request's headers, token and all, are printed with it",
        file="adapter/http.py",
        old="    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)",
        new="    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))",
        killed_by=(SHOWN + "test_no_value_shows_its_secret",),
    ),
    Mutant(
        name="webhook-token-shown",
        breaks="an alert's token is printed with it",
        file="api/alert.py",
        old="    token: str | None = Field(default=None, repr=False)",
        new="    token: str | None = None",
        killed_by=(SHOWN + "test_no_value_shows_its_secret",),
    ),
    Mutant(
        name="dead-letter-shown",
        breaks="a message's body is printed with its letter",
        file="ports.py",
        old="    body: str = field(repr=False)",
        new="    body: str",
        killed_by=(SHOWN + "test_no_value_shows_its_secret",),
    ),
    Mutant(
        name="call-s-body-shown",
        breaks="a caller's body is printed with the request",
        file="api/http.py",
        old='    body: bytes = field(default=b"", repr=False)',
        new='    body: bytes = b""',
        killed_by=("tests/unit/api/test_http.py::test_a_request_s_repr_shows_no_header_and_no_body",),
    ),
    Mutant(
        name="broker-repeats-our-secret",
        breaks="a broker's words that quote our token are kept and shown",
        file="brokers/zerodha/session.py",
        old="        refusal = refusal.without(session.secret(name))",
        new="        pass",
        killed_by=(BROKERS + "test_a_broker_that_repeats_our_secrets_does_not_make_us_tell_them",),
    ),
    Mutant(
        name="unreadable-answer-shown",
        breaks="the error for an unreadable answer carries the answer, which may repeat a secret",
        file="adapter/decode.py",
        old="        why = type(error).__name__\n    # raised",
        new='        raise OutcomeUnknown("not readable JSON") from error\n    why = ""\n    # raised',
        killed_by=(BROKERS + "test_a_broker_that_repeats_our_secrets_does_not_make_us_tell_them",),
    ),
    Mutant(
        name="aws-words-shown",
        breaks="what AWS says of a failed call, payload and all, is shown",
        file="aws/failures.py",
        old="""        raise StoreUnavailable(f"{what}: {error.response['Error']['Code']}") from None""",
        new="""        raise StoreUnavailable(f"{what}: {error}") from None""",
        killed_by=(
            "tests/integration/test_seen_alerts_table.py::test_a_refusal_is_named_without_its_payload",
        ),
    ),
    Mutant(
        name="api-key-stored-itself",
        breaks="API keys and webhook tokens are stored as they are",
        file="aws/settings_table.py",
        old="    return hashlib.sha256(secret.encode()).hexdigest()",
        new="    return secret",
        killed_by=("tests/integration/test_settings_table.py::test_no_key_or_token_is_stored_itself",),
    ),
    Mutant(
        name="defect-shown-to-the-caller",
        breaks="an unexpected error's words are answered to the caller",
        file="api/endpoint.py",
        old="    except Exception:  # the edge: whatever went wrong, the caller gets an answer and the log the trace\n"
        '        logger.exception("unexpected error")\n'
        '        return problem("INTERNAL_ERROR", "something went wrong on our side; the log has the details")',
        new='    except Exception as error:\n        return problem("INTERNAL_ERROR", str(error))',
        killed_by=("tests/unit/api/test_http.py::test_an_unexpected_error_shows_nothing_of_itself",),
    ),
    Mutant(
        name="float-taken-for-money",
        breaks="a price that is a float is taken, with its error",
        file="domain/request.py",
        old="    if isinstance(value, bool | float):",
        new="    if isinstance(value, bool):",
        killed_by=("tests/unit/domain/test_request.py::test_every_bad_field_is_named",),
    ),
    Mutant(
        name="json-numbers-as-floats",
        breaks="a broker's prices are read as floats",
        file="adapter/decode.py",
        old="parse_float=Decimal",
        new="parse_float=float",
        killed_by=(BROKERS + "test_a_case_sends_what_its_sample_holds_and_reads_what_it_expects",),
    ),
    Mutant(
        name="float-stored",
        breaks="a float is stored where money must be exact",
        file="aws/values.py",
        old="    return _to_collection(value)\n",
        new="    return {'N': str(value)} if isinstance(value, float) else _to_collection(value)\n",
        killed_by=(VALUES + "test_what_cannot_be_exact_is_refused",),
    ),
    Mutant(
        name="fraction-of-a-share-cut",
        breaks="a broker's quantity with a fraction is cut to a whole number",
        file="adapter/decode.py",
        old="    if number != number.to_integral_value():",
        new="    if False:",
        killed_by=(
            "tests/unit/brokers/test_zerodha_refusals.py::test_a_fraction_of_a_share_is_not_believed",
        ),
    ),
    Mutant(
        name="audit-read-kindly",
        breaks="a name that is in an audit's line twice, the first time with another word, is verified",
        file="domain/audit.py",
        old='    if not isinstance(line, dict) or jsonl([line]) != f"{row}\\n":',
        new="    if not isinstance(line, dict):",
        killed_by=(AUDIT + "test_a_line_that_is_not_to_the_letter_as_written_is_named",),
    ),
)
