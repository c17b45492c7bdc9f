"""Reads a version from a model registry with the official client, or registers one; prints JSON."""

import json
import sys
import warnings
from urllib.parse import urlsplit

from model_registry import ModelRegistry
from model_registry.exceptions import StoreError

warnings.simplefilter("ignore")


def describe(registry, name, version):
    model = registry.get_registered_model(name)
    found = registry.get_model_version(name, version)
    artifact = registry.get_model_artifact(name, version)
    return {
        "model": {"name": model.name, "description": model.description, "state": model.state},
        "version": {
            "name": found.name,
            "description": found.description,
            "state": found.state,
            "properties": found.custom_properties,
        },
        "artifact": {
            "name": artifact.name,
            "uri": artifact.uri,
            "state": artifact.state,
            "format": [artifact.model_format_name, artifact.model_format_version],
        },
        "versions": sorted(one.name for one in registry.get_model_versions(name)),
    }


def main(url, action, name, version, *rest):
    parts = urlsplit(url)
    registry = ModelRegistry(f"http://{parts.hostname}", parts.port, author="judge", is_secure=False)
    if action == "register":
        registry.register_model(
            name, rest[0], model_format_name="sklearn", model_format_version="1", version=version
        )
    print(json.dumps(describe(registry, name, version), default=str))


try:
    main(*sys.argv[1:])
except StoreError as error:
    sys.exit(f"StoreError: {error}")
