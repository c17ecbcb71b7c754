"""What must stay true of the archive that nobody can change."""

import json

from order_router.aws.change_log import LOG as CHANGE_LOG
from order_router.aws.kill_tables import LOG
from tests.architecture.template import functions, logical_ids, resources, statements, template, texts


def test_nothing_of_the_archive_is_there_unless_years_are_named() -> None:
    archive = {name: one for name, one in template()["Resources"].items() if name.startswith("Audit")}

    assert template()["Parameters"]["AuditRetentionYears"]["Default"] == 0
    assert {one["Condition"] for one in archive.values()} == {"HasAudit", "HasNewBucket", "HasAuditAlarm"}
    assert template()["Conditions"]["HasAuditAlarm"] == {
        "Fn::And": [{"Condition": "HasAlarms"}, {"Condition": "HasAudit"}]
    }
    assert {name for name, one in archive.items() if one["Condition"] == "HasNewBucket"} == {
        "AuditBucket",
        "AuditBucketPolicy",
    }


def test_the_bucket_keeps_what_is_put_there_and_outlives_the_stack() -> None:
    entry = template()["Resources"]["AuditBucket"]
    bucket = entry["Properties"]
    retention = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]

    assert entry["DeletionPolicy"] == entry["UpdateReplacePolicy"] == "Retain"
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert retention == {"Mode": {"Ref": "AuditLockMode"}, "Years": {"Ref": "AuditRetentionYears"}}
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4


def test_the_archive_only_adds() -> None:
    (to_bucket,) = [
        row for row in statements("AuditRole") if any(one.startswith("s3:") for one in row["Action"])
    ]
    writers = {
        role
        for role in resources("AWS::IAM::Role")
        for row in statements(role)
        if any(one.startswith("s3:") for one in row["Action"])
    }

    assert to_bucket["Action"] == ["s3:PutObject"]
    folders = {text.rpartition("}")[2] for text in texts(to_bucket["Resource"]) if text.endswith("*")}
    assert folders == {"/orders/*", "/switches/*", "/changes/*"}
    assert writers == {"AuditRole"}


def test_no_order_waits_for_the_archive_and_nothing_is_dropped_in_silence() -> None:
    sources = functions()["audit"]["Events"].values()

    assert {source["Type"] for source in sources} == {"DynamoDB"}
    for changed in (source["Properties"] for source in sources):
        assert changed["StartingPosition"] == "TRIM_HORIZON"
        assert changed["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert logical_ids(changed["DestinationConfig"]) == {"AuditDeadLetters"}
    assert {name for one in sources for name in logical_ids(one["Properties"]["Stream"])} == {
        "OrdersTable",
        "GateTable",
    }
    assert "NEW" in resources("AWS::DynamoDB::Table")["OrdersTable"]["StreamSpecification"]["StreamViewType"]


def test_of_the_gate_the_archive_is_called_for_its_logs_alone() -> None:
    gate = resources("AWS::DynamoDB::Table")["GateTable"]
    turned = functions()["audit"]["Events"]["Turned"]["Properties"]
    (pattern,) = [json.loads(one["Pattern"]) for one in turned["FilterCriteria"]["Filters"]]

    assert pattern == {"dynamodb": {"Keys": {"gate": {"S": [{"prefix": LOG}, {"prefix": CHANGE_LOG}]}}}}
    assert gate["StreamSpecification"]["Fn::If"] == [
        "HasAudit",
        {"StreamViewType": "NEW_IMAGE"},
        {"Ref": "AWS::NoValue"},
    ]
