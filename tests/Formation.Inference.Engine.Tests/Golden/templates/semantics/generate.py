"""Renders cases.json with Python's Jinja2, configured as Hugging Face transformers configures it, and writes golden.json.

Usage: python3 generate.py        (needs: pip install jinja2==3.1.6)
"""

import json
import pathlib

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception


def render(case, variables):
    try:
        return {"output": environment.from_string(case["template"]).render(**variables)}
    except Exception as error:  # every failure counts, whatever its class
        return {"error": type(error).__name__}


cases = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))
golden = {
    "source": f"Python Jinja2 {jinja2.__version__}, ImmutableSandboxedEnvironment(trim_blocks, lstrip_blocks, loopcontrols), json.dumps as tojson",
    "variables": cases["variables"],
    "cases": [{**case, **render(case, cases["variables"])} for case in cases["cases"]],
}
(HERE / "golden.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
print(f"{len(golden['cases'])} cases, {sum('error' in case for case in golden['cases'])} of them errors")
