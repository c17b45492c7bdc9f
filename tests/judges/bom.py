"""Judges a CycloneDX 1.6 document on stdin: exits with 1 and the problem on stderr, or prints its package URLs."""

import json
import sys

from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

text = sys.stdin.read()
problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
if problem is not None:
    sys.exit(f"not valid: {problem}")
document = json.loads(text)
bom = Bom.from_json(document)
# Every reference of the dependency graph leads to a component.
bom.validate()
purls = [one["purl"] for one in document["components"] if "purl" in one]
for purl in [*purls, document["metadata"]["component"]["purl"]]:
    PackageURL.from_string(purl)
print(json.dumps({"serial": bom.serial_number.urn, "components": len(bom.components), "purls": purls}))
