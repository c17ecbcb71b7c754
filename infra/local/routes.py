"""Creates the HTTP API's routes, which MiniStack 1.5.33 does not read from the API's OpenAPI body.

They are derived from the deployed template: there is no second list of routes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infra.local.intrinsics import Intrinsics
from infra.local.stack import Stack

API = "Api"
# SAM's own name for "no authorizer".
OPEN = "NONE"


@dataclass(frozen=True)
class Route:
    """One route of the template: what it answers to, what it calls, who guards it."""

    key: str
    integration_uri: str
    authorizer: str | None


def create_routes(stack: Stack) -> int:
    """Replace the API's routes, integrations and authorizers by the template's; give their number."""
    gateway = stack.client("apigatewayv2")
    api_id = stack.physical_ids[API]
    body = Intrinsics(stack).resolve(stack.template["Resources"][API]["Properties"]["Body"])
    _remove_all(gateway, api_id)
    authorizers = _create_authorizers(gateway, api_id, body)
    integrations: dict[str, str] = {}
    routes = list(read_routes(body))
    for route in routes:
        uri = route.integration_uri
        if uri not in integrations:
            integrations[uri] = _create_integration(gateway, api_id, uri)
        _create_route(gateway, api_id, route, target=integrations[uri], authorizers=authorizers)
    return len(routes)


def read_routes(body: dict[str, Any]) -> Iterator[Route]:
    """Read the routes of an OpenAPI body, in its order."""
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            names = [name for guard in operation.get("security", []) for name in guard if name != OPEN]
            yield Route(
                key=f"{method.upper()} {path}",
                integration_uri=operation["x-amazon-apigateway-integration"]["uri"],
                authorizer=names[0] if names else None,
            )


def _remove_all(gateway: Any, api_id: str) -> None:  # noqa: ANN401  # a boto3 client
    for route in gateway.get_routes(ApiId=api_id)["Items"]:
        gateway.delete_route(ApiId=api_id, RouteId=route["RouteId"])
    for integration in gateway.get_integrations(ApiId=api_id)["Items"]:
        gateway.delete_integration(ApiId=api_id, IntegrationId=integration["IntegrationId"])
    for authorizer in gateway.get_authorizers(ApiId=api_id)["Items"]:
        gateway.delete_authorizer(ApiId=api_id, AuthorizerId=authorizer["AuthorizerId"])


def _create_authorizers(gateway: Any, api_id: str, body: dict[str, Any]) -> dict[str, str]:  # noqa: ANN401  # the same
    ids = {}
    for name, scheme in body["components"]["securitySchemes"].items():
        settings = scheme["x-amazon-apigateway-authorizer"]
        answer = gateway.create_authorizer(
            ApiId=api_id,
            Name=name,
            AuthorizerType="REQUEST",
            AuthorizerUri=settings["authorizerUri"],
            AuthorizerPayloadFormatVersion=settings["authorizerPayloadFormatVersion"],
            AuthorizerResultTtlInSeconds=settings["authorizerResultTtlInSeconds"],
            EnableSimpleResponses=settings["enableSimpleResponses"],
            IdentitySource=settings["identitySource"],
        )
        ids[name] = str(answer["AuthorizerId"])
    return ids


def _create_integration(gateway: Any, api_id: str, uri: str) -> str:  # noqa: ANN401  # the same
    answer = gateway.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationMethod="POST",
        IntegrationUri=uri,
        PayloadFormatVersion="2.0",
    )
    return str(answer["IntegrationId"])


def _create_route(
    gateway: Any,  # noqa: ANN401  # the same
    api_id: str,
    route: Route,
    *,
    target: str,
    authorizers: dict[str, str],
) -> None:
    guard = (
        {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizers[route.authorizer]}
        if route.authorizer
        else {"AuthorizationType": "NONE"}
    )
    gateway.create_route(ApiId=api_id, RouteKey=route.key, Target=f"integrations/{target}", **guard)
