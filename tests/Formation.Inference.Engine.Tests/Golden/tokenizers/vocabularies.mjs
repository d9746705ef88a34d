// Trains the small vocabularies of the goldens. Deterministic.
import { bytesOf, texts } from "./texts.mjs";

const kind = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 };

const prose = `Tokenizers turn text into numbers. It's a small job, but there's a lot that can go wrong: spaces, line breaks, digits and accents.
The words of a language are not of one length, and neither are its letters. They're stored as bytes; we'll count 1, 2, 3 or 4 of them.
In 1999 there were 1234 reasons, in 2024 there were 98765 more. Don't ask why. The answer is in the question, as they say.
def main(args):\n    for i in range(10):\n        print("hello world", i)\n    return 0\n`;
const corpus = [prose, ...texts.filter((text) => typeof text === "string" && !/<[|stu]|<\/[st]|\[(CLS|INST)|(.)\2{20}/.test(text))];

/** Most frequent pairs first, ties by text: merges over sequences of symbols. */
function trainMerges(sequences, count, longest) {
  const merges = [];
  while (merges.length < count) {
    const frequencies = new Map();
    for (const sequence of sequences) {
      for (let i = 1; i < sequence.length; i++) {
        const pair = sequence[i - 1] + "\u0000" + sequence[i];
        frequencies.set(pair, (frequencies.get(pair) ?? 0) + 1);
      }
    }
    const best = [...frequencies].filter(([pair]) => pair.length <= longest + 1)
      .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))[0];
    if (!best) break;
    const [left, right] = best[0].split("\u0000");
    merges.push([left, right]);
    sequences = sequences.map((sequence) => {
      const merged = [];
      for (let i = 0; i < sequence.length; i++) {
        if (sequence[i] === left && sequence[i + 1] === right) { merged.push(left + right); i++; } else merged.push(sequence[i]);
      }
      return merged;
    });
  }
  return merges;
}

/** GPT-2's printable character for each byte. */
const alphabet = (() => {
  const printable = (b) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCodePoint(printable(b) ? b : next++));
})();
const byteLevel = (text) => [...bytesOf(text)].map((b) => alphabet[b]).join("");

// Byte-level BPE. Merges are trained across word borders (spaces into words, digits into letters, punctuation into line breaks):
// only then does a wrong border change the ids.
function byteLevelVocabulary() {
  const merges = trainMerges(corpus.map((text) => [...byteLevel(text)]), 1100, 16);
  const unreachable = ["Hello world", " Hello", "123456", "don't", "ing?", "\n\n\n\n", "世界", " 12", "dog.", "HTTPServer"].map(byteLevel);
  const special = [
    ["<|endoftext|>", kind.control], ["<|im_start|>", kind.control], ["<|im_end|>", kind.control], ["<|eot_id|>", kind.control],
    ["<s>", kind.control], ["</s>", kind.control], ["<unk>", kind.unknown], ["<|one|>", kind.control], ["<|two|>", kind.control],
    ["<|one|><|two|>", kind.control], ["|><|two", kind.control], ["<tool_call>", kind.userDefined], ["</tool_call>", kind.userDefined],
  ];
  const ordinary = [...new Set([...alphabet, ...merges.map((pair) => pair.join("")), ...unreachable])];
  const tokens = [...ordinary, ...special.map(([text]) => text)];
  const id = (text) => tokens.indexOf(text);
  return [
    ["general.architecture", "string", "llama"],
    ["tokenizer.ggml.model", "string", "gpt2"],
    ["tokenizer.ggml.pre", "string", "llama-bpe"],
    ["tokenizer.ggml.tokens", "string[]", tokens],
    ["tokenizer.ggml.token_type", "i32[]", [...ordinary.map(() => kind.normal), ...special.map(([, type]) => type)]],
    ["tokenizer.ggml.merges", "string[]", merges.map((pair) => pair.join(" "))],
    ["tokenizer.ggml.bos_token_id", "u32", id("<s>")],
    ["tokenizer.ggml.eos_token_id", "u32", id("<|im_end|>")],
  ];
}

// SentencePiece BPE: characters that are rare in the corpus have no token and fall back to bytes.
function sentencePieceVocabulary() {
  const spaced = corpus.map((text) => [...(" " + text).replaceAll(" ", "\u2581")]);
  const frequencies = new Map();
  for (const character of spaced.flat()) frequencies.set(character, (frequencies.get(character) ?? 0) + 1);
  const characters = [...frequencies].filter(([character, n]) => n > 2 && character.codePointAt(0) >= 32)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([character]) => character);
  const merges = trainMerges(spaced, 700, 12).map((pair) => pair.join(""));
  const bytes = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`);
  const userDefined = ["<tool_call>", "<|im_start|>", "<|im_end|>", "\n\n\n", "\u2581\u2581\u2581\u2581"];
  const head = ["<unk>", "<s>", "</s>"];
  const known = new Set([...head, ...bytes, ...userDefined]);
  const pieces = [...new Set([...merges, ...characters])].filter((piece) => !known.has(piece));
  const rows = [
    ...head.map((text, i) => [text, 0, i === 0 ? kind.unknown : kind.control]),
    ...bytes.map((text) => [text, 0, kind.byte]),
    // Every third pair of neighbours shares a score, so that ties are decided by position.
    ...pieces.map((text, i) => [text, -Math.floor(i / 3) * 3 - (i % 3 === 2 ? 1 : 0), kind.normal]),
    ...userDefined.map((text) => [text, 0, kind.userDefined]),
  ];
  return [
    ["general.architecture", "string", "llama"],
    ["tokenizer.ggml.model", "string", "llama"],
    ["tokenizer.ggml.tokens", "string[]", rows.map(([text]) => text)],
    ["tokenizer.ggml.scores", "f32[]", rows.map(([, score]) => score)],
    ["tokenizer.ggml.token_type", "i32[]", rows.map(([, , type]) => type)],
    ["tokenizer.ggml.bos_token_id", "u32", 1],
    ["tokenizer.ggml.eos_token_id", "u32", 2],
    ["tokenizer.ggml.unknown_token_id", "u32", 0],
  ];
}

// WordPiece: GGUF marks the start of a word with U+2581 where the original has "##" on what continues one.
function wordPieceVocabulary() {
  const words = corpus.flatMap((text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().match(/\p{L}+|\p{N}+|[^\s\p{L}\p{N}\p{C}]/gu) ?? []);
  const frequencies = new Map();
  for (const word of words) {
    for (let length = 1; length <= Math.min(6, word.length); length++) {
      for (let start = 0; start + length <= word.length; start++) {
        const piece = (start === 0 ? "\u2581" : "") + word.slice(start, start + length);
        frequencies.set(piece, (frequencies.get(piece) ?? 0) + 1);
      }
    }
  }
  const wellFormed = (piece) => piece.isWellFormed();
  const pieces = [...frequencies].filter(([piece, n]) => wellFormed(piece) && (n > 1 || [...piece].length === 1))
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, 1400).map(([piece]) => piece);
  const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
  const tokens = [...special, ...pieces];
  return [
    ["general.architecture", "string", "bert"],
    ["tokenizer.ggml.model", "string", "bert"],
    ["tokenizer.ggml.tokens", "string[]", tokens],
    ["tokenizer.ggml.token_type", "i32[]", tokens.map((_, i) => i === 1 ? kind.unknown : i < special.length ? kind.control : kind.normal)],
    ["tokenizer.ggml.padding_token_id", "u32", 0],
    ["tokenizer.ggml.unknown_token_id", "u32", 1],
    ["tokenizer.ggml.cls_token_id", "u32", 2],
    ["tokenizer.ggml.bos_token_id", "u32", 2],
    ["tokenizer.ggml.seperator_token_id", "u32", 3],
    ["tokenizer.ggml.mask_token_id", "u32", 4],
  ];
}

/** Name of each vocabulary and its GGUF metadata as entries of [key, type, value]. */
export const vocabularies = { bpe: byteLevelVocabulary(), spm: sentencePieceVocabulary(), wpm: wordPieceVocabulary() };
