// Random texts of characters that tokenizers disagree about; the same ones for the same number.
import { bytesOf } from "./texts.mjs";

const pools = [
  "abcdefghistTHEARELLVMDsdmtrvl", "thehello world user", "0123456789", "٣४๓①Ⅳ½²１", "éÉñßøØæŁłǅǆΣσЖжԱաႠⴀᏣꭰﬁ", "漢字世界龥鿿㐀𠀀豈々ひカｶ한각",
  " \t\n\r\u000b\u000c\u0085\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000", "/\n\r/ ", "'’`\"", "\u0301\u0308\u093f\u0e34\u05b0\u20dd\u0483",
  "!?.,;:#$%&()*+-/<=>@[\\]^_{|}~", "。、！？：；“”‘’…—・¿«»§¶", "→∑€™©±°¬¦", "\u0000\u0001\u001b\u007f\u009f\u200b\u200d\ufeff\ue000", "😀👍🏽🇩🇪🦙",
  "\u0378\u{1fae9}\u{10d40}\u1c89\u{e0001}\ufdd0", "नमस्तेไทยكيفשלוםதமிழ்",
].map((pool) => [...pool]);
const phrases = [
  "<|im_start|>", "<|im_end|>", "<|one|>", "<|two|>", "<s>", "</s>", "<tool_call>", "<unk>", "[CLS]", "[MASK]", "\n\n\n", "▁▁▁▁", "'s", "'LL", "'re", "   ",
];

export function randomTexts(count) {
  let state = 12345;
  const random = (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % limit;
  };
  return Array.from({ length: count }, (_, index) => {
    const own = [0, 1, 2].map(() => pools[random(pools.length)]);
    let text = "";
    for (let left = 1 + random(index % 3 ? 40 : 8); left > 0; left--) {
      const pool = index % 2 ? own[random(3)] : pools[random(pools.length)];
      text += random(25) === 0 ? phrases[random(phrases.length)] : pool[random(pool.length)].repeat(random(9) === 0 ? 1 + random(6) : 1);
    }
    return index % 10 === 9 ? { hex: damaged(bytesOf(text), random).toString("hex") } : text;
  });
}

/** Some bytes replaced, but by none that starts a code point above U+10FFFF: llama.cpp stops at those. */
function damaged(bytes, random) {
  for (let i = 0; i < 3; i++) bytes[random(bytes.length)] = random(0xf4);
  return bytes;
}
