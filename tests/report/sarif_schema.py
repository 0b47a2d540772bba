"""The part of SARIF 2.1.0 that eximkit writes, as a JSON schema.

Written from the specification (OASIS, sections 3.13 to 3.57), not a copy of the
published schema: closed objects, so that a property that is misspelt or unknown is
refused.
"""

from __future__ import annotations

from typing import Any

_Schema = dict[str, Any]

TEXT: _Schema = {"type": "string", "minLength": 1}
URI: _Schema = {"type": "string", "format": "uri-reference"}
COUNT: _Schema = {"type": "integer", "minimum": 1}
BAG: _Schema = {"type": "object"}
LEVEL: _Schema = {"enum": ["none", "note", "warning", "error"]}


def closed(required: str, **properties: _Schema) -> _Schema:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required.split(),
        "properties": properties,
    }


def some(items: _Schema, least: int = 1) -> _Schema:
    return {"type": "array", "items": items, "minItems": least}


MESSAGE = closed("text", text=TEXT)
MULTIFORMAT = closed("text", text=TEXT, markdown=TEXT)
REGION = closed(
    "startLine",
    startLine=COUNT,
    startColumn=COUNT,
    endLine=COUNT,
    endColumn=COUNT,
)
ARTIFACT = closed("uri", uri=URI, uriBaseId=TEXT)
PHYSICAL = closed("artifactLocation region", artifactLocation=ARTIFACT, region=REGION)
LOCATION = closed(
    "physicalLocation",
    id={"type": "integer", "minimum": 0},
    message=MESSAGE,
    physicalLocation=PHYSICAL,
)
THREAD_FLOW = closed("locations", locations=some(closed("location", location=LOCATION)))
REPLACEMENT = closed(
    "deletedRegion",
    deletedRegion=REGION,
    insertedContent=closed("text", text={"type": "string"}),
)
FIX = closed(
    "artifactChanges",
    description=MESSAGE,
    artifactChanges=some(
        closed(
            "artifactLocation replacements",
            artifactLocation=ARTIFACT,
            replacements=some(REPLACEMENT),
        )
    ),
)
RESULT = closed(
    "message ruleId ruleIndex level locations",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations=some(LOCATION, 0),
    relatedLocations={**some(LOCATION), "uniqueItems": True},
    codeFlows=some(closed("threadFlows", threadFlows=some(THREAD_FLOW))),
    fixes={**some(FIX), "uniqueItems": True},
    properties=BAG,
)
RULE = closed(
    "id",
    id=TEXT,
    name={"type": "string", "pattern": "^[A-Z][A-Za-z0-9]*$"},
    shortDescription=MULTIFORMAT,
    fullDescription=MULTIFORMAT,
    help=MULTIFORMAT,
    defaultConfiguration=closed("level", level=LEVEL),
)
DRIVER = closed(
    "name",
    name=TEXT,
    semanticVersion={"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
    rules={**some(RULE, 0), "uniqueItems": True},
    properties=BAG,
)
BASE = closed(
    "", uri={**URI, "pattern": "/$"}, description=MESSAGE
)  # a base ends with a slash, or is left to the reader
RUN = closed(
    "tool",
    tool=closed("driver", driver=DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    originalUriBaseIds={"type": "object", "additionalProperties": BASE},
    results=some(RESULT, 0),
)
SCHEMA: _Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **closed(
        "version runs",
        **{"$schema": {"type": "string", "format": "uri"}},
        version={"const": "2.1.0"},
        runs=some(RUN),
    ),
}
