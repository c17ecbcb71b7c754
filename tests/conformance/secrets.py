"""Probes of Secrets Manager."""

from tests.conformance.aws import Aws, refused
from tests.conformance.probe import probe


@probe
def a_secret_keeps_its_latest_value(aws: Aws) -> None:
    """PutSecretValue makes a new version, which becomes AWSCURRENT and is what is read. Page: PutSecretValue."""
    name = aws.name()
    aws.secretsmanager.create_secret(Name=name, SecretString="first")
    assert aws.secretsmanager.get_secret_value(SecretId=name)["SecretString"] == "first"

    aws.secretsmanager.put_secret_value(SecretId=name, SecretString="second")

    assert aws.secretsmanager.get_secret_value(SecretId=name)["SecretString"] == "second"


@probe
def a_secret_that_is_not_there_is_not_found(aws: Aws) -> None:
    """ResourceNotFoundException: the resource cannot be found. Pages: GetSecretValue; PutSecretValue."""
    with refused("ResourceNotFoundException"):
        aws.secretsmanager.get_secret_value(SecretId=aws.name())
    try:
        aws.secretsmanager.put_secret_value(SecretId=aws.name(), SecretString="x")
    except aws.secretsmanager.exceptions.ResourceNotFoundException:
        return
    raise AssertionError("stored a value of a secret that is not there")


@probe
def a_secrets_name_is_taken_once(aws: Aws) -> None:
    """ResourceExistsException: a resource with the ID already exists. Page: CreateSecret."""
    name = aws.name()
    aws.secretsmanager.create_secret(Name=name, SecretString="first")

    with refused("ResourceExistsException"):
        aws.secretsmanager.create_secret(Name=name, SecretString="second")


@probe
def a_deleted_secret_cannot_be_read(aws: Aws) -> None:
    """InvalidRequestException while a secret is scheduled for deletion. Page: GetSecretValue, errors."""
    name = aws.name()
    aws.secretsmanager.create_secret(Name=name, SecretString="first")
    aws.secretsmanager.delete_secret(SecretId=name)

    with refused("InvalidRequestException"):
        aws.secretsmanager.get_secret_value(SecretId=name)
