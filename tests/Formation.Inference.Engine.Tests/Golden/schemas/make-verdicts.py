"""Writes verdicts.json anew: what the Python package jsonschema says of each of its texts. See README.md."""

import json
import re
import sys
from decimal import Decimal
from pathlib import Path

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend, validator_for

here = Path(__file__).parent


def multiple(validator, divisor, number, schema):
    if validator.is_type(number, "number") and Decimal(number) % Decimal(divisor) != 0:
        yield ValidationError("no multiple")


def is_number(checker, value):
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def is_integer(checker, value):
    return is_number(checker, value) and value == int(value)


def ecma(pattern):
    """A regular expression of ECMA-262 as Python writes it."""
    space = r"\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
    classes = {"d": "[0-9]", "D": "[^0-9]", "w": "[A-Za-z0-9_]", "W": "[^A-Za-z0-9_]", "s": f"[{space}]", "S": f"[^{space}]"}
    result, is_class, place = "", False, 0
    while place < len(pattern):
        next = pattern[place]
        if next == "\\":
            place += 1
            next = pattern[place]
            if next == "c":
                place += 1
                result += chr(ord(pattern[place]) % 32)
            elif next in "dws" and is_class:
                result += classes[next][1:-1]
            else:
                result += classes.get(next, "/" if next == "/" else "\\" + next)
        else:
            was_class, is_class = is_class, next == "[" or (is_class and next != "]")
            result += next if was_class else {"$": r"\Z", ".": r"[^\n\r\u2028\u2029]"}.get(next, next)
        place += 1
    return re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", result)


def translated(schema):
    """A schema with its patterns as Python writes them."""
    if isinstance(schema, list):
        return [translated(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {keyword: translated(value) for keyword, value in schema.items()}
    if isinstance(schema.get("pattern"), str):
        schema["pattern"] = ecma(schema["pattern"])
    if isinstance(schema.get("patternProperties"), dict):
        schema["patternProperties"] = {ecma(pattern): value for pattern, value in schema["patternProperties"].items()}
    return schema


def validator_of(schema):
    draft = validator_for(schema, default=Draft202012Validator)
    types = draft.TYPE_CHECKER.redefine("number", is_number).redefine("integer", is_integer)
    return extend(draft, {"multipleOf": multiple}, type_checker=types)(translated(schema), format_checker=formats)


formats = FormatChecker()
formats.checkers = {name: check for name, check in formats.checkers.items() if name not in ("time", "relative-json-pointer")}

schemas = {}
for file in sorted((here / "../../Grammars/Schemas").glob("*.json")):
    for name, schema in json.loads(file.read_text(), parse_float=Decimal).items():
        schemas[f"{file.stem}: {name}"] = schema

if "--judge" in sys.argv:
    judged = [(name, text, validator_of(schemas[name])) for name, texts in json.loads(Path(sys.argv[2]).read_text()).items() for text in texts]
    refused = [(name, text) for name, text, validator in judged if not validator.is_valid(json.loads(text, parse_float=Decimal))]
    print(f"{len(judged)} texts, {len(refused)} refused", *refused, sep="\n")
    sys.exit(len(refused) > 0)

known = json.loads((here / "verdicts.json").read_text())
for name, texts in json.loads(Path(sys.argv[1]).read_text()).items() if len(sys.argv) > 1 else []:
    known.setdefault(name, [[text, None] for text in texts])

lines = []
for name in (name for name in schemas if name in known):
    validator = validator_of(schemas[name])
    verdicts = [[text, validator.is_valid(json.loads(text, parse_float=Decimal))] for text, _ in known[name]]
    rows = ",\n".join("    " + json.dumps(verdict, ensure_ascii=False) for verdict in verdicts)
    lines.append(f"  {json.dumps(name, ensure_ascii=False)}: [\n{rows}\n  ]")
(here / "verdicts.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
