"""Every endpoint stands in the OpenAPI document, or here with the reason why not."""

from __future__ import annotations

import re

from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from tests.architecture.addresses import routes

LEFT_OUT = {
    "v1/traces": "OTLP has a description of its own, and protobuf fits no OpenAPI document (docs/integrator.md)",
    "api/schema/": "the document itself",
    "api/docs/": "the document as a page",
}


def plain(route: str) -> str:
    """The address with its parameters unnamed."""
    return re.sub(r"<[^>]*>|\{[^}]*\}", "{}", route).strip("/")


def test_every_endpoint_is_documented_or_left_out_for_a_reason() -> None:
    document = SchemaGenerator().get_schema(request=None, public=True)
    documented = {plain(path) for path in document["paths"]}
    existing = {route for route, _ in routes() if route.startswith(("api/", "v1/"))}
    missing = {route for route in existing - LEFT_OUT.keys() if plain(route) not in documented}
    assert sorted(missing) == []
    assert existing >= LEFT_OUT.keys()


def test_no_two_shapes_share_a_name_in_the_document() -> None:
    """The second one would be described as the first."""
    SchemaGenerator().get_schema(request=None, public=True)
    assert [told for told in GENERATOR_STATS._warn_cache if "identical names" in told] == []
