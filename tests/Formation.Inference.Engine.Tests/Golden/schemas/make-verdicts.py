"""Writes verdicts.json anew: what the Python package jsonschema says of each of its texts. See README.md."""

import json
from decimal import Decimal
from pathlib import Path

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

here = Path(__file__).parent


def multiple(validator, divisor, number, schema):
    if validator.is_type(number, "number") and Decimal(number) % Decimal(divisor) != 0:
        yield ValidationError("no multiple")


def is_number(checker, value):
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def is_integer(checker, value):
    return is_number(checker, value) and value == int(value)


types = Draft202012Validator.TYPE_CHECKER.redefine("number", is_number).redefine("integer", is_integer)
Validator = extend(Draft202012Validator, {"multipleOf": multiple}, type_checker=types)
formats = FormatChecker()
formats.checkers = {name: check for name, check in formats.checkers.items() if name != "time"}

schemas = {}
for file in sorted((here / "../../Grammars/Schemas").glob("*.json")):
    for name, schema in json.loads(file.read_text(), parse_float=Decimal).items():
        schemas[f"{file.stem}: {name}"] = schema

lines = []
for name, texts in json.loads((here / "verdicts.json").read_text()).items():
    validator = Validator(schemas[name], format_checker=formats)
    verdicts = [[text, validator.is_valid(json.loads(text, parse_float=Decimal))] for text, _ in texts]
    rows = ",\n".join("    " + json.dumps(verdict, ensure_ascii=False) for verdict in verdicts)
    lines.append(f"  {json.dumps(name, ensure_ascii=False)}: [\n{rows}\n  ]")
(here / "verdicts.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
