using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Engine.Tokenization.Vocabularies;

namespace Formation.Inference.Engine.Tests.Tokenization;

/// <summary>Vocabularies of a few tokens for tests of one rule.</summary>
static class TinyVocabularies
{
    /// <summary>A byte-level vocabulary: id n below 256 is the byte n, the others follow from 256 on.</summary>
    public static TokenizerDefinition ByteLevel(string[] others, TokenKind kind = TokenKind.Normal, string[]? merges = null) => new()
    {
        Model = "gpt2",
        PreTokenizer = "llama-bpe",
        Tokens = [.. Enumerable.Range(0, 256).Select(value => ByteLevelAlphabet.CharacterOf((byte)value).ToString()), .. others],
        Kinds = [.. Enumerable.Repeat(TokenKind.Normal, 256), .. others.Select(_ => kind)],
        Merges = merges ?? [],
    };

    /// <summary>A SentencePiece vocabulary: unknown, begin, end, then the bytes, then the pieces with a score each.</summary>
    public static TokenizerDefinition SentencePiece(params (string Text, float Score)[] pieces) => new()
    {
        Model = "llama",
        Tokens =
        [
            "<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"), .. pieces.Select(piece => piece.Text),
        ],
        Kinds =
        [
            TokenKind.Unknown, TokenKind.Control, TokenKind.Control,
            .. Enumerable.Repeat(TokenKind.Byte, 256), .. pieces.Select(_ => TokenKind.Normal),
        ],
        Scores = [.. Enumerable.Repeat(0f, 259), .. pieces.Select(piece => piece.Score)],
    };

    /// <summary>A WordPiece vocabulary: padding, unknown, begin, separator, then the pieces.</summary>
    public static TokenizerDefinition WordPiece(params string[] pieces) => new()
    {
        Model = "bert",
        Tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", .. pieces],
        Kinds = [TokenKind.Control, TokenKind.Unknown, TokenKind.Control, TokenKind.Control, .. pieces.Select(_ => TokenKind.Normal)],
        SpecialTokens = new SpecialTokenIds { Padding = 0, Unknown = 1, Bos = 2, Separator = 3 },
    };
}
