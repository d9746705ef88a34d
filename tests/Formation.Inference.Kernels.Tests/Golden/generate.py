"""Writes formats.json with ggml's own library. Usage: python3 generate.py FOLDER_OF_THE_LIBRARIES > formats.json (see README.md)."""

import base64
import ctypes
import json
import random
import struct
import sys

TYPES = {
    "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q2_K": 10, "Q3_K": 11, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14, "BF16": 30,
    "IQ4_NL": 20, "IQ4_XS": 23, "MXFP4": 39,
}
COUNT = 512

base = ctypes.CDLL(sys.argv[1] + "/libggml-base.so")
base.ggml_version.restype = ctypes.c_char_p
base.ggml_commit.restype = ctypes.c_char_p
base.ggml_type_name.restype = ctypes.c_char_p
base.ggml_blck_size.restype = ctypes.c_int64
base.ggml_type_size.restype = ctypes.c_size_t
base.ggml_quantize_chunk.restype = ctypes.c_size_t
base.ggml_quantize_chunk.argtypes = [
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p,
]


def dequantize(name, row):
    function = {"F16": base.ggml_fp16_to_fp32_row, "BF16": base.ggml_bf16_to_fp32_row}.get(name)
    function = function or getattr(base, "dequantize_row_" + name.lower().replace("_k", "_K"))
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    values = (ctypes.c_float * COUNT)()
    source = ctypes.create_string_buffer(bytes(row), len(row))
    function(source, values, COUNT)
    return bytes(values)


def quantize(number, values, row_bytes):
    source = (ctypes.c_float * COUNT)(*values)
    target = ctypes.create_string_buffer(row_bytes)
    base.ggml_quantize_chunk(number, source, target, 0, 1, COUNT, None)
    return target.raw


def text(data):
    return base64.b64encode(data).decode()


generator = random.Random(20)
weights = [generator.gauss(0, 0.05) for _ in range(COUNT)]
weights[7] = 0.75
document = {
    "source": f"ggml {base.ggml_version().decode()} (commit {base.ggml_commit().decode()})",
    "sizes": [
        {"number": number, "block": base.ggml_blck_size(number), "bytes": base.ggml_type_size(number)}
        for number in range(43)
        if base.ggml_blck_size(number) > 0
    ],
    "weights": text(struct.pack(f"<{COUNT}f", *weights)),
    "rows": [],
}
for name, number in TYPES.items():
    row_bytes = COUNT // base.ggml_blck_size(number) * base.ggml_type_size(number)
    quantized = quantize(number, weights, row_bytes)
    anything = bytearray(generator.randbytes(row_bytes))
    if name == "MXFP4":
        # The ends of the exponent's range, in the first byte of each of the first blocks.
        for block, exponent in enumerate((0, 1, 2, 254, 255)):
            anything[block * base.ggml_type_size(number)] = exponent
    document["rows"].append({
        "type": name,
        "quantized": text(quantized),
        "quantizedValues": text(dequantize(name, quantized)),
        "anyBytes": text(anything),
        "anyValues": text(dequantize(name, anything)),
    })
json.dump(document, sys.stdout, indent=1)
print()
