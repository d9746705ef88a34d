using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Formation.Inference.Engine.Tokenization.PreTokenizers;
using Formation.Inference.Engine.Tokenization.Vocabularies;

namespace Formation.Inference.Engine.Tokenization;

/// <summary>
/// WordPiece (<c>bert</c>): text is normalised and cut into words, and each word into the longest tokens from its start on; a word that
/// does not work out is the unknown token.
/// </summary>
internal sealed class WordPieceTokenizer : Tokenizer
{
    /// <summary>Marks the start of a word in GGUF vocabularies.</summary>
    public const char WordStart = '\u2581';

    readonly ByteTrie _pieces = new();
    readonly bool _lowercase;
    readonly bool _stripAccents;

    public WordPieceTokenizer(TokenizerDefinition definition)
        : base(WithDefaults(definition), BytesOf, addsBosByDefault: true)
    {
        _lowercase = definition.Lowercase ?? true;
        _stripAccents = definition.StripAccents ?? _lowercase;
        if (Bos is null || Separator is null || Unknown is null)
        {
            throw new VocabularyException(
                "A bert vocabulary must name its begin, separator and unknown tokens "
                + "(tokenizer.ggml.bos_token_id, seperator_token_id, unknown_token_id).");
        }
        for (int id = 0; id < Vocabulary.Count; id++)
        {
            if (Vocabulary.IsSpelledOut(id)) _pieces.Add(Encoding.UTF8.GetBytes(Vocabulary.Text(id)), id);
        }
    }

    /// <summary>The bytes that a token's text stands for.</summary>
    public static byte[] BytesOf(string text) => Encoding.UTF8.GetBytes(text.Replace(WordStart, ' '));

    private protected override int? EndToken => Separator;

    internal override EncodingSession CreateSession(CancellationToken cancellationToken) => new Session(this, cancellationToken);

    /// <summary>The ids that BERT's own vocabularies have; and every text has both of its ends.</summary>
    static TokenizerDefinition WithDefaults(TokenizerDefinition definition)
    {
        int? Default(int id) => id < definition.Tokens.Count ? id : null;
        SpecialTokenIds ids = definition.SpecialTokens;
        return definition with
        {
            AddBos = null,
            AddEos = null,
            SpecialTokens = ids with
            {
                Padding = ids.Padding ?? 0,
                Unknown = ids.Unknown ?? Default(100),
                Bos = ids.Bos ?? Default(101),
                Separator = ids.Separator ?? Default(102),
                Mask = ids.Mask ?? Default(103),
            },
        };
    }

    sealed class Session(WordPieceTokenizer tokenizer, CancellationToken cancellationToken) : EncodingSession
    {
        readonly List<byte> _word = [];
        long _steps;

        public override long Steps => _steps;

        public override void Encode(ReadOnlySpan<byte> text, List<int> ids, int maxTokens)
        {
            int[] codePoints = ArrayPool<int>.Shared.Rent(text.Length);
            try
            {
                int count = LenientUtf8.Decode(text, codePoints);
                foreach (int original in codePoints.AsSpan(0, count))
                {
                    int codePoint = tokenizer._stripAccents ? CanonicalBases.Of(original) : original;
                    CodePointClass kind = CodePointClasses.Of(codePoint);
                    if (kind == CodePointClass.WhiteSpace)
                    {
                        EndWord(ids);
                        if (ids.Count > maxTokens) return;
                    }
                    else if (!IsDropped(codePoint, kind))
                    {
                        bool isWord = IsWordByItself(codePoint, kind);
                        if (isWord) EndWord(ids);
                        Append(tokenizer._lowercase ? CodePointClasses.ToLower(codePoint) : codePoint);
                        if (isWord) EndWord(ids);
                    }
                }
                EndWord(ids);
            }
            finally
            {
                ArrayPool<int>.Shared.Return(codePoints, clearArray: true);
            }
        }

        bool IsDropped(int codePoint, CodePointClass kind) => codePoint is 0 or 0xFFFD || kind == CodePointClass.Control
            || (tokenizer._stripAccents && kind == CodePointClass.Mark);

        static bool IsWordByItself(int codePoint, CodePointClass kind)
            => kind == CodePointClass.Punctuation || (kind == CodePointClass.Symbol && codePoint < 0x7F) || HanRanges.Contains(codePoint);

        void Append(int codePoint)
        {
            if (_word.Count == 0) Write(WordStart);
            Write(codePoint);
        }

        void Write(int codePoint)
        {
            Span<byte> utf8 = stackalloc byte[4];
            _word.AddRange(utf8[..LenientUtf8.Encode(codePoint, utf8)]);
        }

        /// <summary>Appends the ids of the word so far, if there is one, and starts the next.</summary>
        void EndWord(List<int> ids)
        {
            if (_word.Count == 0) return;
            cancellationToken.ThrowIfCancellationRequested();
            ReadOnlySpan<byte> word = CollectionsMarshal.AsSpan(_word);
            int first = ids.Count;
            for (int position = 0, length; position < word.Length; position += length)
            {
                length = LongestPiece(word[position..], out int id);
                if (length == 0)
                {
                    ids.RemoveRange(first, ids.Count - first);
                    ids.Add(tokenizer.Unknown!.Value);
                    break;
                }
                ids.Add(id);
            }
            _word.Clear();
        }

        int LongestPiece(ReadOnlySpan<byte> text, out int id)
        {
            id = -1;
            int longest = 0, node = ByteTrie.Root;
            for (int length = 1; length <= text.Length && (node = tokenizer._pieces.Step(node, text[length - 1])) >= 0; length++)
            {
                _steps++;
                if (tokenizer._pieces.ValueAt(node) is not (>= 0 and var found)) continue;
                (id, longest) = (found, length);
            }
            return longest;
        }
    }
}
