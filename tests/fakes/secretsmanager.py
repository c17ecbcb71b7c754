"""Secrets Manager in this process: botocore's low-level client over a dictionary.

Source: AWS Secrets Manager API Reference, "GetSecretValue", "PutSecretValue", "CreateSecret", "DeleteSecret".
"""

from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from tests.fakes.client_errors import answer, client_error, require_known

ARN = "arn:aws:secretsmanager:ap-south-1:123456789012:secret:"


class ResourceNotFoundException(ClientError):
    """There is no such secret."""


class FakeSecretsManager:
    """Implements the calls of a low-level Secrets Manager client that this project uses."""

    exceptions = SimpleNamespace(ResourceNotFoundException=ResourceNotFoundException)

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._versions: dict[str, int] = {}
        self._deleted: set[str] = set()

    def create_secret(self, **request: Any) -> dict[str, Any]:
        """Make a secret with its first value."""
        require_known(request, frozenset({"Name", "SecretString"}), frozenset())
        name = request["Name"]
        if name in self._deleted:
            message = "You can't create this secret because a secret with this name is already scheduled for deletion."
            raise client_error("CreateSecret", "InvalidRequestException", message)
        if name in self._values:
            message = f"The operation failed because the secret {name} already exists."
            raise client_error("CreateSecret", "ResourceExistsException", message)
        return answer(Name=name, **self._store(name, request["SecretString"]))

    def put_secret_value(self, **request: Any) -> dict[str, Any]:
        """Give a secret a new value."""
        require_known(request, frozenset({"SecretId", "SecretString"}), frozenset())
        name = self._known("PutSecretValue", request["SecretId"])
        return answer(Name=name, **self._store(name, request["SecretString"]))

    def get_secret_value(self, **request: Any) -> dict[str, Any]:
        """Return a secret's value."""
        require_known(request, frozenset({"SecretId"}), frozenset())
        name = self._known("GetSecretValue", request["SecretId"])
        return answer(Name=name, SecretString=self._values[name], **self._facts(name))

    def delete_secret(self, **request: Any) -> dict[str, Any]:
        """Mark a secret as deleted: it can be neither read nor changed."""
        require_known(request, frozenset({"SecretId"}), frozenset())
        name = self._known("DeleteSecret", request["SecretId"])
        self._deleted.add(name)
        return answer(Name=name, ARN=ARN + name)

    def _store(self, name: str, text: str) -> dict[str, Any]:
        self._values[name] = text
        self._versions[name] = self._versions.get(name, 0) + 1
        return self._facts(name)

    def _facts(self, name: str) -> dict[str, Any]:
        version = f"00000000-0000-4000-8000-{self._versions[name]:012d}"
        return {"ARN": ARN + name, "VersionId": version}

    def _known(self, operation: str, secret_id: str) -> str:
        name = secret_id.removeprefix(ARN)
        if name not in self._values:
            message = "Secrets Manager can't find the specified secret."
            response = client_error(operation, "ResourceNotFoundException", message).response
            raise ResourceNotFoundException(response, operation)
        if name in self._deleted:
            message = "You can't perform this operation on the secret because it was marked for deletion."
            raise client_error(operation, "InvalidRequestException", message)
        return name
