#!/usr/bin/env python3
"""Keeps the three descriptions of the chart's values the same: values.yaml, values.schema.json, README.md.

values.yaml is the source. Every key there has its comment on the line above it; a key that is not documented so is part
of the default of the one that is. Without arguments it says what differs and exits 1; with --write it carries comments
and defaults into the other two files. It cannot invent a type: a new value has to be added to the schema by hand.
"""

import difflib
import json
import pathlib
import re
import sys

CHART = pathlib.Path(__file__).parents[2] / "charts" / "omotes-operator"
FILES = {name: CHART / name for name in ("values.yaml", "values.schema.json", "README.md")}
# Known to Helm, not to people who write values.
UNDOCUMENTED = {"global"}


def documented(text):
    """The values of values.yaml in its order: path -> (description, default, or None for a section)."""
    found, path, comment = {}, [], []
    for line in text.splitlines():
        if match := re.fullmatch(r"\s*# (.*)", line):
            comment.append(match[1])
        elif match := re.fullmatch(r"((?:  )*)([A-Za-z]+):(?: (.*))?", line):
            indent, key, default = match.groups()
            path = path[: len(indent) // 2] + [key]
            if not comment:
                sys.exit(f"values.yaml: {'.'.join(path)} has no comment on the line above it")
            found[".".join(path)] = (" ".join(comment), default)
            comment = []
        elif line:
            sys.exit(f"values.yaml: tests/chart/values.py cannot read this line: {line}")
        else:
            comment = []  # a comment that stands alone is about the file
    return found


def schema_properties(schema, prefix=""):
    """The schema of each value: path -> schema. What is free in form, like a list of peers, is one value."""
    for key, child in schema.get("properties", {}).items():
        if prefix + key in UNDOCUMENTED:
            continue
        yield prefix + key, child
        yield from schema_properties(child, f"{prefix}{key}.")


def with_descriptions(schema, values):
    """The schema with the descriptions of values.yaml, or an exit that tells which values only one of them knows."""
    known = dict(schema_properties(schema))
    leaves = {path for path, (_, default) in values.items() if default is not None}
    inside_a_leaf = {path for path in known if any(path.startswith(leaf + ".") for leaf in leaves)}
    if only_one := sorted((known.keys() - inside_a_leaf) ^ values.keys()):
        sys.exit(f"values.yaml and values.schema.json do not have the same values: {', '.join(only_one)}")
    for path, (description, _) in values.items():
        rest = {key: value for key, value in known[path].items() if key != "description"}
        known[path].clear()
        known[path].update({"description": description, **rest})
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def with_table(readme, values):
    """README.md with the table of values between its two markers."""
    rows = [f"| `{path}` | `{default}` | {description} |" for path, (description, default) in values.items() if default]
    table = "\n".join(["| Value | Default | |", "| --- | --- | --- |", *rows])
    pattern = re.compile(r"(<!-- values:[^\n]*-->\n).*(<!-- /values -->)", re.DOTALL)
    return pattern.sub(lambda marks: f"{marks[1]}{table}\n{marks[2]}", readme)


def main():
    text = {name: file.read_text() for name, file in FILES.items()}
    values = documented(text["values.yaml"])
    wanted = {
        "values.schema.json": with_descriptions(json.loads(text["values.schema.json"]), values),
        "README.md": with_table(text["README.md"], values),
    }
    differs = [name for name in wanted if wanted[name] != text[name]]
    if "--write" in sys.argv:
        for name in differs:
            FILES[name].write_text(wanted[name])
        return
    for name in differs:
        diff = difflib.unified_diff(text[name].splitlines(), wanted[name].splitlines(), name, "values.yaml says", "", 0)
        print("\n".join(diff))
    sys.exit(bool(differs))


main()
