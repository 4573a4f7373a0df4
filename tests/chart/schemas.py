#!/usr/bin/env python3
"""Makes strict JSON schemas of Kubernetes kinds out of the API server's own OpenAPI documents, for kubeconform.

usage: schemas.py FOLDER_OF_OPENAPI_V3 FOLDER_FOR_SCHEMAS GROUP/VERSION/KIND...

FOLDER_OF_OPENAPI_V3 is api/openapi-spec/v3 of the Go module k8s.io/kubernetes; the core group is written as v1/KIND.
Strict means that a field which Kubernetes does not know is refused: an API server drops it without a word.
"""

import json
import pathlib
import sys

REFERENCE = "#/components/schemas/"


def strict(schema):
    """The same schema, refusing unknown fields and with its references pointing into `definitions`."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: strict(value) for key, value in schema.items() if key not in ("default", "description", "properties")}
    if isinstance(target := out.get("$ref"), str):
        out["$ref"] = target.replace(REFERENCE, "#/definitions/")
    if "properties" in schema:  # a map by name, which may well have a property called `description`
        out["properties"] = {name: strict(value) for name, value in schema["properties"].items()}
        out.setdefault("additionalProperties", False)
    return out


def references(schema):
    """Names of the definitions that the schema refers to."""
    if isinstance(schema, list):
        for item in schema:
            yield from references(item)
    elif isinstance(schema, dict):
        if isinstance(target := schema.get("$ref"), str):
            yield target.rsplit("/", 1)[1]
        for value in schema.values():
            yield from references(value)


def standalone(document, group, version, kind):
    """One schema file: the kind and all that it refers to."""
    schemas = document["components"]["schemas"]
    identity = {"group": group, "version": version, "kind": kind}
    name = next(
        name for name, schema in schemas.items() if schema.get("x-kubernetes-group-version-kind") == [identity]
    )
    definitions, missing = {}, {name}
    while missing:
        for one in missing:
            definitions[one] = strict(schemas[one])
        missing = set(references(definitions)) - definitions.keys()
    return {"$ref": f"#/definitions/{name}", "required": ["apiVersion", "kind", "metadata"], "definitions": definitions}


def main():
    source, target, *kinds = sys.argv[1:]
    pathlib.Path(target).mkdir(parents=True, exist_ok=True)
    for one in kinds:
        *group, version, kind = one.split("/")
        group = "".join(group)
        file = f"apis__{group}__{version}_openapi.json" if group else f"api__{version}_openapi.json"
        document = json.loads((pathlib.Path(source) / file).read_text())
        schema = standalone(document, group, version, kind)
        # kubeconform's own words for a kind; it takes the core group to be called like its version.
        (pathlib.Path(target) / f"{kind.lower()}-{group or version}-{version}.json").write_text(json.dumps(schema))


main()
