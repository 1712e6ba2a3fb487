#!/usr/bin/env python3
"""Holds docs/belay.schema.json against example policies, with the jsonschema and PyYAML packages.

The decoder is held against the same cases by PolicyCasesTests, so the two say the same of all of them.
Exit code 1: the schema takes what it should refuse, or the other way round.
"""
import json
import pathlib
import sys

import jsonschema
import yaml

project = pathlib.Path(__file__).resolve().parents[2]


class PlainLoader(yaml.SafeLoader):
    """Reads scalars as JSON does: neither dates, nor yes and no, nor sexagesimal numbers."""


PlainLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in [
    ("tag:yaml.org,2002:bool", r"^(true|false)$", "tf"),
    ("tag:yaml.org,2002:null", r"^(null|~|)$", ["n", "~", ""]),
    ("tag:yaml.org,2002:int", r"^-?(0|[1-9][0-9]*)$", "-0123456789"),
    ("tag:yaml.org,2002:float", r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$", "-0123456789"),
]:
    import re

    PlainLoader.add_implicit_resolver(tag, re.compile(pattern), list(first))


def main():
    schema = json.loads((project / "docs/belay.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    cases = json.loads((project / "Tests/Fixtures/policies/cases.json").read_text())
    mistakes = []

    def expect(valid, name, document):
        errors = sorted(validator.iter_errors(document), key=str)
        if bool(errors) == valid:
            what = errors[0].message if errors else "taken"
            mistakes.append(f"{name}: should be {'taken' if valid else 'refused'}: {what}")

    files = [*project.glob("Examples/policies/*.yaml"), *project.glob("Examples/breast-cancer/*.yaml")]
    for path in files:
        expect(True, str(path.relative_to(project)), yaml.load(path.read_text(), PlainLoader))
    for kind, valid in [("right", True), ("wrong", False), ("senseless", True)]:
        for case in cases[kind]:
            expect(valid, f"{kind} {json.dumps(case)}", {"belay": 1, "model": "m"} | case)
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    print(f"{len(files)} files and {sum(len(cases[k]) for k in ('right', 'wrong', 'senseless'))} cases")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
