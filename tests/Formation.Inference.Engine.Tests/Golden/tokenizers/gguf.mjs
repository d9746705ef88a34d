// The least of a GGUF v3 writer: metadata only, no tensors.

const types = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 };

const u32 = (value) => { const b = Buffer.alloc(4); b.writeUInt32LE(value); return b; };
const u64 = (value) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(value)); return b; };
const bytes = (value) => Buffer.isBuffer(value) ? value : Buffer.from(value, "utf8");
const string = (value) => { const b = bytes(value); return Buffer.concat([u64(b.length), b]); };

const encoders = {
  u32,
  i32: (value) => { const b = Buffer.alloc(4); b.writeInt32LE(value); return b; },
  f32: (value) => { const b = Buffer.alloc(4); b.writeFloatLE(value); return b; },
  bool: (value) => Buffer.from([value ? 1 : 0]),
  string,
};

/** @param metadata entries of [key, type, value]; a type "X[]" is an array of X */
export function gguf(metadata) {
  const parts = [Buffer.from("GGUF"), u32(3), u64(0), u64(metadata.length)];
  for (const [key, type, value] of metadata) {
    parts.push(string(key));
    if (type.endsWith("[]")) {
      const element = type.slice(0, -2);
      parts.push(u32(types.array), u32(types[element]), u64(value.length), ...value.map(encoders[element]));
    } else {
      parts.push(u32(types[type]), encoders[type](value));
    }
  }
  const head = Buffer.concat(parts);
  return Buffer.concat([head, Buffer.alloc((32 - head.length % 32) % 32)]);
}
