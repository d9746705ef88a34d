using System.Buffers;
using System.Text;
using Formation.Inference.Engine.Tokenization.Merging;
using Formation.Inference.Engine.Tokenization.Vocabularies;

namespace Formation.Inference.Engine.Tokenization;

/// <summary>
/// SentencePiece BPE (<c>llama</c>): a stretch of text merges as a whole, best score first; a character without a token is spelled in
/// bytes. A space is U+2581, and each stretch of text starts with one.
/// </summary>
internal sealed class SentencePieceTokenizer : Tokenizer
{
    readonly SentencePieceRule _pieces;
    readonly int[] _byteTokens;

    public SentencePieceTokenizer(TokenizerDefinition definition)
        : base(WithDefaults(definition), WordPieceTokenizer.BytesOf, addsBosByDefault: true)
    {
        AddsSpacePrefix = definition.AddSpacePrefix ?? true;
        _pieces = new SentencePieceRule(Vocabulary, definition.Scores
            ?? throw new VocabularyException("A llama vocabulary needs scores (tokenizer.ggml.scores)."));
        _byteTokens = Vocabulary.ByteTokens();
        int missing = Array.IndexOf(_byteTokens, -1);
        if (missing >= 0 && Unknown is null)
            throw new VocabularyException($"The vocabulary has neither a token <0x{missing:X2}> for that byte nor an unknown token.");
    }

    public override bool AddsSpacePrefix { get; }

    internal override EncodingSession CreateSession(CancellationToken cancellationToken) => new Session(this, cancellationToken);

    /// <summary>SentencePiece numbers its special tokens in this way; old files don't repeat it.</summary>
    static TokenizerDefinition WithDefaults(TokenizerDefinition definition)
    {
        int? Default(int id) => id < definition.Tokens.Count ? id : null;
        SpecialTokenIds ids = definition.SpecialTokens;
        return definition with
        {
            SpecialTokens = ids with { Unknown = ids.Unknown ?? Default(0), Bos = ids.Bos ?? Default(1), Eos = ids.Eos ?? Default(2) },
        };
    }

    sealed class Session(SentencePieceTokenizer tokenizer, CancellationToken cancellationToken) : EncodingSession
    {
        readonly SymbolMerger _merger = new(tokenizer._pieces);

        public override long Steps => _merger.Steps;

        public override void Encode(ReadOnlySpan<byte> text, List<int> ids, int maxTokens)
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(3 * (text.Length + 1));
            try
            {
                ReadOnlySpan<byte> escaped = buffer.AsSpan(0, Escape(text, buffer));
                _merger.Clear();
                for (int start = 0, length; start < escaped.Length; start += length)
                {
                    length = Math.Min(LenientUtf8.SequenceLength(escaped[start]), escaped.Length - start);
                    _merger.Add(start, length, tokenizer._pieces.Find(escaped.Slice(start, length)));
                }
                _merger.Merge(escaped, cancellationToken);
                foreach (ref readonly Symbol symbol in _merger.Remaining)
                {
                    if (symbol.Id >= 0) ids.Add(symbol.Id);
                    else AddBytes(escaped.Slice(symbol.Start, symbol.Length), ids);
                    if (ids.Count > maxTokens) return;
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
            }
        }

        public override void Dispose() => _merger.Dispose();

        /// <summary>Writes the text with U+2581 for each space, and one in front where the vocabulary wants it and the text begins.</summary>
        int Escape(ReadOnlySpan<byte> text, Span<byte> escaped)
        {
            int length = 0;
            if (tokenizer.AddsSpacePrefix && !GoesOn) length += LenientUtf8.Encode(WordPieceTokenizer.WordStart, escaped);
            foreach (byte value in text)
            {
                if (value == ' ') length += LenientUtf8.Encode(WordPieceTokenizer.WordStart, escaped[length..]);
                else escaped[length++] = value;
            }
            return length;
        }

        void AddBytes(ReadOnlySpan<byte> bytes, List<int> ids)
        {
            foreach (byte value in bytes) ids.Add(tokenizer._byteTokens[value] is >= 0 and var id ? id : tokenizer.Unknown!.Value);
        }
    }
}
