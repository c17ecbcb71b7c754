"""What must stay true of the template, whoever edits it."""

import ast
import re
import tomllib
from typing import Any

import pytest

from infra.cli.keys import GATEWAY_REMEMBERS_S
from order_router import __version__
from order_router.aws.notice_memory import HELD, NOTICE, TOLD, TURNS
from order_router.aws.sessions import POSTBACK_TAG
from order_router.domain.channel import wait_s
from order_router.service.instruments import LEASE, TIME_TO_REFRESH
from tests.architecture.template import (
    REPOSITORY,
    environment,
    functions,
    logical_ids,
    resources,
    routes,
    seconds_allowed,
    statements,
    template,
    texts,
)

KEEPS_LISTINGS = ("PlaceRole", "ModifyRole", "PositionsRole", "KillWorkRole")
WRITES = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}
# They send or settle orders: switches, counters, slots, holds, meters and prices of any name.
PASS_THE_GATE = {"PlaceRole", "ModifyRole", "CancelRole", "KillWorkRole", "ReconcileRole"}
ROLES = sorted(resources("AWS::IAM::Role"))
LAYER = REPOSITORY / "layers" / "order_router" / "order_router"
VARIABLE = re.compile(r"[A-Z]+(_[A-Z]+)+")
READ_BY_POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "LOG_LEVEL"}
ORDER_PATH = ("webhook", "place", "modify", "cancel", "authorizer")
TALK_TO_BROKERS = {
    "place",
    "modify",
    "cancel",
    "positions",
    "reconcile",
    "instruments_refresh",
    "session",
    "kill_work",
}
OPEN_ROUTES = {
    "POST /v1/webhooks/tradingview",
    "POST /v1/webhooks/tradingview/{token}",
    "GET /v1/health",
    "GET /v1/openapi.json",
    # a one-time token in the address, or what the broker's page sent back
    "GET /v1/sessions/{account}/login",
    "GET /v1/sessions/{account}/callback",
    "POST /v1/sessions/{account}/callback",
    # the broker's signature, or a secret in the address
    "POST /v1/postbacks/{broker}/{account}",
    "POST /v1/postbacks/{broker}/{account}/{token}",
    # a one-time token in the address of the page, or in what its button posts
    "GET /v1/kill-switch/link",
    "POST /v1/kill-switch/link",
}
SESSIONS = (
    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
    "${AWS::StackName}/accounts/*/session*"
)
CREDENTIALS = SESSIONS.replace("/session*", "/credentials*")
CHANNELS = (
    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
    "${AWS::StackName}/channels/*"
)
# Every wildcard in a resource, and why it cannot be a name.
WILDCARDS = {
    "${OrdersTable.Arn}/index/*": "both indexes of one table",
    "${InstrumentsTable.Arn}/index/*": "the one index of that table",
    CREDENTIALS: "the same",
    "arn:${AWS::Partition}:s3:::${Bucket}/orders/*": "each version of an order is an object of its own",
    "arn:${AWS::Partition}:s3:::${Bucket}/switches/*": "each turn of a kill switch is, too",
    "arn:${AWS::Partition}:s3:::${Bucket}/changes/*": "and each change of a breaker or of limits",
    CHANNELS: "the same, of channels",
    SESSIONS: "accounts come without a deploy, and Secrets Manager ends every ARN in six random letters",
}


def _actions(role: str) -> set[str]:
    return {action for statement in statements(role) for action in statement["Action"]}


def _tables() -> dict[str, dict[str, Any]]:
    return resources("AWS::DynamoDB::Table")


def test_every_function_folder_is_deployed_and_no_other() -> None:
    folders = {path.parent.name for path in (REPOSITORY / "functions").glob("*/app.py")}

    assert folders == set(functions())


def test_every_function_has_a_role_of_its_own() -> None:
    roles = [next(iter(texts(entry["Role"]))) for entry in functions().values()]

    assert len(roles) == len(set(roles))
    assert {role.removesuffix(".Arn") for role in roles} == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_names_its_actions_and_resources(role: str) -> None:
    resource_texts = [text for statement in statements(role) for text in texts(statement["Resource"])]

    assert not [action for action in _actions(role) if "*" in action]
    assert {text for text in resource_texts if "*" in text} <= set(WILDCARDS)


@pytest.mark.parametrize("role", ROLES)
def test_nothing_may_scan_or_delete_an_order(role: str) -> None:
    deletes = [row for row in statements(role) if "dynamodb:DeleteItem" in row["Action"]]

    assert "dynamodb:Scan" not in _actions(role)
    assert all(logical_ids(row["Resource"]) == {"PaperTable"} for row in deletes)


def _reaches(action: str, secrets: str) -> set[str]:
    """The functions that may do this with these secrets."""
    return {
        name
        for name in functions()
        for row in statements(_role_of(name))
        if action in row["Action"] and secrets in set(texts(row["Resource"]))
    }


def _role_of(function: str) -> str:
    return next(iter(texts(functions()[function]["Role"]))).removesuffix(".Arn")


def test_only_functions_that_talk_to_a_broker_read_sessions() -> None:
    assert _reaches("secretsmanager:GetSecretValue", SESSIONS) == TALK_TO_BROKERS


def test_only_the_session_function_logs_in_and_stores_sessions() -> None:
    writes = {"secretsmanager:PutSecretValue", "secretsmanager:CreateSecret"}
    writers = {name for name in functions() if writes & _actions(_role_of(name))}

    assert writers == {"session"}
    assert all(_reaches(action, SESSIONS) == {"session"} for action in writes)
    assert _reaches("secretsmanager:GetSecretValue", CREDENTIALS) == {"session", "postback"}


def test_postbacks_are_checked_with_no_credentials_but_those_that_are_for_it() -> None:
    (reading,) = [
        row for row in statements("PostbackRole") if "secretsmanager:GetSecretValue" in row["Action"]
    ]

    assert reading["Condition"] == {"StringEquals": {f"aws:ResourceTag/{POSTBACK_TAG}": "true"}}


def test_the_functions_of_sessions_and_postbacks_reach_no_switch_and_no_counter() -> None:
    reached = {
        name: row["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        for name in ("session", "postback")
        for row in statements(_role_of(name))
        if logical_ids(row["Resource"]) == {"GateTable"}
    }

    assert reached == {
        "session": ["session#*", "login#*", "session-address"],
        "postback": ["stray#*", "hold#*", "meter#*"],
    }


def test_who_turns_the_kill_switch_reaches_no_broker_and_nothing_of_the_gate_but_its_own() -> None:
    reached = {
        name: row.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
        for row in statements("KillSwitchRole")
        for name in logical_ids(row["Resource"])
    }

    assert reached == {
        "KillSwitchLogs": None,
        "SettingsTable": None,
        "GateTable": ["kill#*", "kill-*"],
        "KillQueue": None,
        "NoticeQueue": None,
    }
    assert "VpcConfig" not in functions()["kill_switch"]


def _gate_keys_written(role: str) -> list[set[str] | None]:
    """Return which keys of the gate each statement lets a role write, None for all of them."""
    conditions = [
        row.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
        for row in statements(role)
        if "GateTable" in logical_ids(row["Resource"]) and WRITES & set(row["Action"])
    ]
    return [None if keys is None else set(keys) for keys in conditions]


def test_only_those_who_pass_orders_through_the_gate_may_write_anywhere_in_it() -> None:
    written = {role: _gate_keys_written(role) for role in ROLES}

    assert {role for role, keys in written.items() if None in keys} == PASS_THE_GATE


@pytest.mark.parametrize("role", ROLES)
def test_a_role_s_keys_of_the_gate_are_kinds_and_not_all_of_them(role: str) -> None:
    patterns = {pattern for keys in _gate_keys_written(role) for pattern in keys or ()}

    assert not [pattern for pattern in patterns if not re.match(r"[a-z]{4}", pattern)]


def test_who_tells_the_audit_reads_of_the_gate_who_turned_a_switch_and_no_ticket() -> None:
    (reading,) = [row for row in statements("OrdersRole") if logical_ids(row["Resource"]) == {"GateTable"}]

    assert reading["Action"] == ["dynamodb:GetItem"]
    assert reading["Condition"] == {
        "ForAllValues:StringLike": {
            "dynamodb:LeadingKeys": ["kill#*", "kill-index", "kill-log#*", "change-count#*", "change-log#*"]
        }
    }


def test_who_sets_limits_changes_accounts_and_strategies_and_no_key_and_counts_nothing() -> None:
    reached = [
        (name, set(row["Action"]), row["Condition"])
        for row in statements("LimitsRole")
        for name in logical_ids(row["Resource"])
        if name.endswith("Table")
    ]

    like, equals = "ForAllValues:StringLike", "ForAllValues:StringEquals"
    assert reached == [
        (
            "SettingsTable",
            {"dynamodb:GetItem", "dynamodb:PutItem"},
            {equals: {"dynamodb:LeadingKeys": ["ACCOUNT", "STRATEGY"]}},
        ),
        (
            "GateTable",
            {"dynamodb:GetItem"},
            {like: {"dynamodb:LeadingKeys": ["meter#*", "change-count#*"]}},
        ),
        (
            "GateTable",
            {"dynamodb:PutItem", "dynamodb:UpdateItem"},
            {like: {"dynamodb:LeadingKeys": ["change-count#*", "change-log#*"]}},
        ),
    ]


def test_a_pass_of_the_kill_switch_s_work_comes_again_soon_after_its_worker_died() -> None:
    hidden_for = resources("AWS::SQS::Queue")["KillQueue"]["VisibilityTimeout"]

    assert seconds_allowed("kill_work") < hidden_for <= seconds_allowed("kill_work") + 10


def test_who_meets_dead_sessions_may_ask_for_new_ones() -> None:
    asking = {name for name in functions() if "lambda:InvokeFunction" in _actions(_role_of(name))}

    assert asking == {"place", "modify", "cancel", "reconcile", "kill_work"}
    assert all(environment(name)["SESSION_FUNCTION"] == {"Ref": "SessionFunction"} for name in asking)


@pytest.mark.parametrize("function", sorted(TALK_TO_BROKERS))
def test_who_talks_to_brokers_is_told_each_one_s_address(function: str) -> None:
    told = {name: value for name, value in environment(function).items() if name.startswith("BROKER_")}

    assert told == {
        "BROKER_ENDPOINT_IBKR": {"Ref": "IbkrEndpoint"},
        "BROKER_ENDPOINT_ICICI_BREEZE": {"Ref": "IciciBreezeEndpoint"},
        "BROKER_ENDPOINT_KOTAK_NEO": {"Ref": "KotakNeoEndpoint"},
        "BROKER_ENDPOINT_ZERODHA": {"Ref": "ZerodhaEndpoint"},
    }


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_function_is_told_every_table_and_queue_that_its_role_reaches(function: str) -> None:
    role = next(iter(texts(functions()[function]["Role"]))).removesuffix(".Arn")
    reached = set().union(
        *(logical_ids(row["Resource"]) for row in statements(role) if not _is_for_event_source(row))
    )
    told = logical_ids(environment(function))

    assert {name for name in reached if name.endswith(("Table", "Queue"))} <= told


def test_code_and_template_name_the_same_tables_queues_and_settings() -> None:
    told = {name for function in functions() for name in environment(function)} - READ_BY_POWERTOOLS
    named = _capital_words_in_code()

    assert {
        word for word in named if word.endswith(("_TABLE", "_QUEUE_URL", "_PREFIX", "_ADDRESSES"))
    } <= told
    assert {name for name in told - named if not name.startswith("BROKER_ENDPOINT_")} == set()


def _capital_words_in_code() -> set[str]:
    trees = [ast.parse(path.read_text()) for path in LAYER.rglob("*.py")]
    constants = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {word for word in constants if isinstance(word, str) and VARIABLE.fullmatch(word)}


def _is_for_event_source(statement: dict[str, Any]) -> bool:
    """The event source reads the queue or the stream on the function's behalf, and needs no address from it."""
    return not {"sqs:ReceiveMessage", "dynamodb:GetRecords"}.isdisjoint(statement["Action"])


@pytest.mark.parametrize("table", sorted(_tables()))
def test_a_table_is_backed_up_encrypted_and_guarded(table: str) -> None:
    properties = _tables()[table]

    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize("table", ["OrdersTable", "SettingsTable"])
def test_orders_and_settings_outlive_the_stack(table: str) -> None:
    entry = template()["Resources"][table]

    assert entry["DeletionPolicy"] == entry["UpdateReplacePolicy"] == "Retain"


def test_every_queue_is_encrypted_and_gives_up_into_dead_letters() -> None:
    queues = resources("AWS::SQS::Queue")
    working = {name: properties for name, properties in queues.items() if not name.endswith("DeadLetters")}

    assert all(properties["SqsManagedSseEnabled"] is True for properties in queues.values())
    assert all("RedrivePolicy" in properties for properties in working.values())


@pytest.mark.parametrize(
    ("queue", "function"),
    [
        ("OrderDeadLetters", "dead_letters"),
        ("NoticeQueue", "notify"),
    ],
)
def test_a_message_stays_hidden_for_six_times_its_functions_timeout(queue: str, function: str) -> None:
    assert resources("AWS::SQS::Queue")[queue]["VisibilityTimeout"] >= 6 * seconds_allowed(function)


def test_a_refresh_that_died_is_asked_for_again_when_nobody_holds_its_list_any_more() -> None:
    hidden_for = resources("AWS::SQS::Queue")["RefreshQueue"]["VisibilityTimeout"]

    assert seconds_allowed("instruments_refresh") < LEASE.total_seconds() < hidden_for
    assert TIME_TO_REFRESH.total_seconds() <= seconds_allowed("instruments_refresh") - 30


def test_who_loads_a_list_writes_it_and_who_looks_an_instrument_up_keeps_it() -> None:
    writes = {"dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
    writers = {
        role: writes & set(row["Action"])
        for role in ROLES
        for row in statements(role)
        if "InstrumentsTable" in logical_ids(row["Resource"]) and writes & set(row["Action"])
    }

    loads = writers.pop("InstrumentsRefreshRole")
    assert loads == {"dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}
    assert writers == {name: {"dynamodb:PutItem"} for name in KEEPS_LISTINGS}


def test_only_the_notifier_tells_and_nothing_that_holds_an_order_waits_for_a_channel() -> None:
    telling = {name for name in functions() if "sns:Publish" in _actions(_role_of(name))}

    assert telling == _reaches("secretsmanager:GetSecretValue", CHANNELS) == {"notify"}
    assert "dynamodb:PutItem" not in {
        action
        for row in statements("NotifyRole")
        if "OrdersTable" in logical_ids(row["Resource"])
        for action in row["Action"]
    }


def test_the_notifier_reaches_no_switch_and_no_counter() -> None:
    (reached,) = [row for row in statements("NotifyRole") if logical_ids(row["Resource"]) == {"GateTable"}]

    keys = reached["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert keys == [
        *(f"{prefix}*" for prefix in (NOTICE, TOLD, TURNS, HELD)),
        "kill-link#*",
        "session-address",
    ]


def test_a_notice_that_cannot_be_told_or_queued_ends_in_the_dead_letters() -> None:
    events = functions()["notify"]["Events"]
    queue = resources("AWS::SQS::Queue")["NoticeQueue"]

    failed = events["OrderChanged"]["Properties"]["DestinationConfig"]["OnFailure"]["Destination"]
    assert logical_ids(failed) == logical_ids(queue["RedrivePolicy"]) == {"NoticeDeadLetters"}
    tries = queue["RedrivePolicy"]["maxReceiveCount"]
    assert 20 * 60 < sum(wait_s(failures, None) for failures in range(1, tries)) < 60 * 60


def test_everybody_who_may_tell_reaches_the_queue_of_notices() -> None:
    told = {name for name in functions() if "NOTICE_QUEUE_URL" in environment(name)}
    sends = {
        name
        for name in functions()
        for row in statements(_role_of(name))
        if "sqs:SendMessage" in row["Action"] and "NoticeQueue" in logical_ids(row["Resource"])
    }

    assert (
        sends == told >= {"place", "reconcile", "session", "postback", "dead_letters", "instruments_refresh"}
    )


def test_queued_work_is_answered_message_by_message() -> None:
    sources = [
        event["Properties"]
        for entry in functions().values()
        for event in entry.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]

    assert len(sources) == 6
    assert all(source["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for source in sources)


@pytest.mark.parametrize("function", [*ORDER_PATH, "kill_switch"])
def test_the_order_path_and_its_stop_start_from_a_snapshot_behind_an_alias(function: str) -> None:
    entry = functions()[function]

    assert entry["AutoPublishAlias"] == "live"
    assert entry["AutoPublishAliasAllProperties"] is True
    assert entry["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def test_a_new_layer_reaches_the_alias() -> None:
    layers = resources("AWS::Serverless::LayerVersion")

    assert all(properties["PublishLambdaVersion"] is True for properties in layers.values())


def test_only_what_proves_itself_and_health_is_open() -> None:
    unguarded = {
        key for key, properties in routes().items() if properties.get("Auth") == {"Authorizer": "NONE"}
    }

    assert unguarded == OPEN_ROUTES
    assert resources("AWS::Serverless::HttpApi")["Api"]["Auth"]["DefaultAuthorizer"] == "ApiKey"


def test_a_revoked_key_is_forgotten_by_when_the_command_says() -> None:
    (key,) = resources("AWS::Serverless::HttpApi")["Api"]["Auth"]["Authorizers"].values()

    assert key["Identity"]["ReauthorizeEvery"] == GATEWAY_REMEMBERS_S


def test_the_gateway_does_not_throttle_alerts() -> None:
    settings = resources("AWS::Serverless::HttpApi")["Api"]["RouteSettings"]
    alerts = {key for key in routes() if "/webhooks/" in key}

    assert set(settings) == alerts
    assert all(limits["ThrottlingRateLimit"] >= 1000 for limits in settings.values())


def test_the_access_log_never_holds_a_path_a_header_or_a_query() -> None:
    logged = resources("AWS::Serverless::HttpApi")["Api"]["AccessLogSettings"]["Format"]

    assert "$context.routeKey" in logged
    assert not [word for word in ("path", "header", "query", "resourcePath") if f"$context.{word}" in logged]


def test_every_log_is_kept_for_the_chosen_time() -> None:
    groups = resources("AWS::Logs::LogGroup")

    assert all(properties["RetentionInDays"] == {"Ref": "LogRetentionDays"} for properties in groups.values())
    assert {next(iter(texts(entry["LoggingConfig"]))) for entry in functions().values()} < set(groups)


def test_one_version_everywhere() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

    assert project["version"] == __version__
