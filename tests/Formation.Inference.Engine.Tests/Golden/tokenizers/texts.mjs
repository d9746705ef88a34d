// Awkward texts: what pre-tokenizers, merges, byte fallback and normalisation disagree about.
// A string is text; { hex } is bytes, for what is not valid UTF-8.

const repeat = (text, count) => text.repeat(count);

export const texts = [
  // Empty, blank and runs of white space of every kind
  "", " ", "  ", "   ", "    ", "\t", "\t\t", "\n", "\n\n", "\n\n\n", "\r\n", "\r\n\r\n", "\r\r", " \n", "\n ", " \n \n", "\t\n", "\n\t",
  "  \n\n  x", "x  \n\n  ", "a b", "a  b", "a   b", "a\tb", "a \tb", "a\t b", "a\n\n b", " a ", "  a  ", "   a\n   b\n\n\n      c",
  "a\u00a0b \u00a0 c", "a\u2003b\u2003\u2003c \u2009 d", "x\u3000y\u3000\u3000z", "l\u0085n\u2028p\u2029q", "\u000b\u000c v\u000bf\u000c",
  "a\u200bb\u200cc\u200dd\ufeffe", "\ufeffhello", "tail   ", "tail\u3000\u3000", "tail \n", "tail\n ",
  repeat(" ", 40) + "x", repeat("\n", 17) + "x", repeat(" \n", 9), repeat("\t ", 9) + "end", "x" + repeat(" ", 33),

  // English: contractions, case, punctuation
  "Hello world", " Hello world", "Hello World", " Hello World!", "Hello, world!", " Hello, world!", "this is it", "How's it going?",
  "I'm we're you've he'll she'd it's don't o'clock 'tis 'twas", "I'M WE'RE YOU'VE HE'LL SHE'D IT'S DON'T", "I'm'll've'd're's't", "'s 't 'S 'T 're' 'RE' '",
  "''''''", "'", "' s", "\u2019s don\u2019t \u2018quoted\u2019", "end'", "'Ll'lL'Ve'vE'Re'rE", "a'sb 'sb", "1's 2'nd", "it'ſ 'Ss",
  "camelCase PascalCase HTTPServer XMLHttpRequest iPhone snake_case kebab-case SCREAMING_CASE aB AB Ab ab", "ÉCOLE École écoleÉ ÉA ÉaÉ AÉA aÉa ǅ ǆ Ǆ",
  "The quick brown fox jumps over the lazy dog.", "Wait... what?! No -- really --- yes; (maybe) [or] {not} <so> \"said\" `code`", "!!!???...,,,;;;:::", "@user #tag $5.00 50% a&b a*b ^x ~y ~~z~~ |p| \\n",
  "~~ ~a ~ ~1 ~é a~b", "email@example.com https://example.com/a/b?c=d&e=f#g /usr/local/bin ../x //y", "x//y /* z */ path/to/file\n/\n//", "!abc #Def (ghi _jkl -Mno .pqr",
  "foo\n/bar", "a:\n\nb: \n c", "...\n\n...\r\n", "- item\n- item\n\t- sub\n", "***bold*** __x__ # h1\n## h2\n", "=+-*/<>|^`$ ==> <= >= != && || ++ -- << >> ::",

  // Numbers
  "1 12 123 1234 12345 123456 1234567 12345678 123456789 1234567890", " 1", "  12", "3.14159 1,000,000 -42 +7 1e10 0x1F 2024-01-31 12:34:56",
  "٣٤٥٦٧٨٩ ०१२३४५ ๑๒๓๔ 一二三四 ①②③④ ⅣⅤ ½¾ ²³¹ １２３４５", "a1b22c333d4444", "1st 2nd 3rd 1000th v1.2.3", "12٣٤5६7 ٣x ½½½½½", repeat("7", 50), "1 2  3   4", "١٢٣,٤٥٦.٧",

  // Scripts
  "Ünïcödé façade naïve coöperate Ångström straße İstanbul ıI", "e\u0301 n\u0303 a\u0300\u0316\u0304 Z\u0351\u036b\u0343 \u0301x x \u0301 \u0301\u0301", "Việt Nam Tiếng Việt", "Полностью согласен, Россия! ЁЖИК",
  "Ελληνικά Αθήνα ΣΊΣΥΦΟΣ σίσυφος", "Հայերեն ქართული ᏣᎳᎩ", "مرحبا بالعالم كيف حالك؟ ـــ لُغَة", "שלום עולם שָׁלוֹם", "हिन्दी नमस्ते दुनिया क्षत्रिय।", "বাংলা ভাষা தமிழ் తెలుగు ಕನ್ನಡ മലയാളം",
  "ภาษาไทยไม่มีช่องว่าง สวัสดี", "ລາວ ភាសាខ្មែរ မြန်မာ བོད་སྐད", "你好，世界！这是一个测试。", "中文English混排123数字", "日本語のテスト、ひらがなとカタカナ。ｶﾀｶﾅ", "한국어 띄어쓰기 테스트입니다. ㄱㄴㄷ 각",
  "𠀀𠁁 龥鿿㐀 豈 ⼀ 々〆〇", "𝒜𝓁𝓅𝒽𝒶 𝟏𝟐𝟑 𐐀𐐨 𞤀𞤢", "ﬁ ﬂ ﬀ ﬃ", "Ａｂｃ　１２３！？", "ꙮ Ⱥ Ɐ ᲀ Ა ꭰ",

  // Emoji, symbols and other signs
  "😀 😃😄 👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 ❤️ ☺︎ 1️⃣ #️⃣", "🦙x🦙 a🦙b", "→←↑↓ ∀∃∈ ≤≥≠ ∑∫√ ±× ÷", "€£¥₿¢ ©®™ §¶†‡ •◦ …‥", "“smart” ‘quotes’ „low“ «guillemets» ‹x›", "░▒▓█ ┌─┐ ▁▂▃ ▁word ▁ ▁▁",
  "\u0897 \u1c89\u1c8a \ua7cb \u{10d40}\u{1ccf0} \u{1fae9} \u0378 \u{e0001}", "\ue000\uf8ff \ufdd0 \u{10fffd}",

  // Control characters and invalid UTF-8
  "\u0000", "a\u0000b", "\u0001\u0002\u001b[31mred\u001b[0m\u007f\u0080\u009f", "bell\u0007\u0008back", "\u001c\u001d\u001e\u001f", "\ufffd \ufffd\ufffd",
  { hex: "ff" }, { hex: "61ff62" }, { hex: "c3" }, { hex: "c328" }, { hex: "e282" }, { hex: "e28261" }, { hex: "f09f98" }, { hex: "f09f982078" }, { hex: "808080" }, { hex: "20ff20fe20" },
  { hex: "c080" }, { hex: "e08080 61".replace(" ", "") }, { hex: "eda080" }, { hex: "eda0bdedb880" }, { hex: "f08080af" }, { hex: "fefffefe" }, { hex: "48656c6c6f20c3a9c3" }, { hex: "e4bda0e5a5bde4" },

  // Special tokens and what looks like them
  "<|im_start|>user\nhi<|im_end|>\n", "<|im_start|>", "<|im_start|><|im_end|>", "a<|endoftext|>b", " <|endoftext|> ", "<|im_start|", "<|im_start |>", "<|IM_START|>", "<|eot_id|><|eot_id|>", "<s>[INST] hi [/INST]</s>", "<s> a</s> b <s>",
  "<unk> <pad> <0x0A> <0x41>", "[CLS] a [SEP] b [MASK] [UNK] [PAD]", "<tool_call>{\"a\": 1}</tool_call>", "a<tool_call>b", "<|one|><|two|>", "<|one|><|two", "x<|one|><|two|>y<|one|>z", "<|im_end|>\n\n<|im_start|>assistant\n", "\n<|im_end|>", "  <s>  x",

  // Code and data
  "def f(x):\n    return x + 1\n\n\nclass A:\n\tpass\n", "for (int i = 0; i < n; i++) { a[i] += b[i]; }  // sum", "{\"key\": [1, 2.5, null, true], \"k2\": \"v\\n\"}", "SELECT * FROM t WHERE a='b' AND c>=10;", "<div class=\"x\">\n  <p>Hi &amp; bye</p>\n</div>", "\\frac{1}{2} \\sum_{i=0}^{n} x_i^2",

  // Long words
  repeat("a", 300), repeat("ab", 200), repeat("é", 90), repeat("漢", 80), repeat("!", 100), "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft", repeat("x ", 50), repeat("thethethe", 20),
  "The Cherokee ᏣᎳᎩ say 'hello' ७ times, or 7\u00a0times… \n\n\nOK?  Yes'LL\tdo 🙂‍↕️.",
];

/** The bytes of a text. */
export const bytesOf = (text) => typeof text === "string" ? Buffer.from(text, "utf8") : Buffer.from(text.hex, "hex");
