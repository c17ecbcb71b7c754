"""Works out the few CloudFormation functions that a route's part of the template uses."""

import re
from collections.abc import Callable
from typing import Any

from infra.local.home import REGION
from infra.local.stack import ACCOUNT, Stack

NO_VALUE = object()
REFERENCE = re.compile(r"\$\{([^}]+)\}")


class Intrinsics:
    """Resolves values of one deployed template."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._conditions = stack.template.get("Conditions", {})
        self._pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": NO_VALUE,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::StackName": stack.name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::Equals": lambda pair: pair[0] == pair[1],
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Sub": self._sub,
        }

    def resolve(self, value: Any) -> Any:  # noqa: ANN401  # a template is JSON of any shape
        """Give the value with every function in it worked out."""
        if isinstance(value, list):
            return [kept for item in value if (kept := self.resolve(item)) is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name in self._functions:
                return self._functions[name](
                    argument if name == "Fn::If" else self._arguments(name, argument)
                )
            if name.startswith("Fn::"):
                message = f"the local stack cannot work out {name}"
                raise NotImplementedError(message)
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def _arguments(self, name: str, argument: Any) -> Any:  # noqa: ANN401  # the same
        return argument if name in {"Ref", "Fn::GetAtt"} else self.resolve(argument)

    def _ref(self, name: str) -> Any:  # noqa: ANN401  # the same
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._stack.parameters:
            return self._stack.parameters[name]
        return self._stack.physical_ids[name]

    def _get_att(self, path: str | list[str]) -> str:
        logical_id, attribute = path.split(".", 1) if isinstance(path, str) else path
        kind = self._stack.template["Resources"][logical_id]["Type"]
        if (kind, attribute) != ("AWS::Lambda::Function", "Arn"):
            message = f"the local stack knows a function's Arn only, received {kind}.{attribute}"
            raise NotImplementedError(message)
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self._stack.physical_ids[logical_id]}"

    def _if(self, argument: list[Any]) -> Any:  # noqa: ANN401  # the same
        condition, then, otherwise = argument
        return self.resolve(then if self.resolve(self._conditions[condition]) else otherwise)

    def _sub(self, argument: str | list[Any]) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument

        def replace(match: re.Match[str]) -> str:
            name = match[1]
            if name in given:
                return str(given[name])
            return str(self._get_att(name) if "." in name else self._ref(name))

        return REFERENCE.sub(replace, text)
