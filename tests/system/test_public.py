"""What the stack tells anybody: that it is there, and what its API is."""

from tests.architecture.template import routes
from tests.system.conftest import LocalStack


def test_health_tells_the_version_and_what_is_reachable(stack: LocalStack) -> None:
    reply = stack.client(None).get("/v1/health")

    assert reply.status == 200
    assert reply.content == {"status": "ok", "version": "0.1.0", "orders_table": True}


def test_the_contract_names_every_route_of_the_template(stack: LocalStack) -> None:
    document = stack.client(None).get("/v1/openapi.json").order(200)

    named = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert named == set(routes())
