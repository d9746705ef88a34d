using System.Text;

namespace Formation.Inference.Engine.Tokenization.Vocabularies;

/// <summary>The checked tokens of a model: their texts, bytes and kinds, and which of them have a part to play.</summary>
internal sealed class Vocabulary
{
    readonly string[] _texts;
    readonly TokenKind[] _kinds;
    readonly byte[] _bytes;
    readonly int[] _byteStarts;
    readonly Dictionary<string, int> _idByText;

    /// <param name="bytesOf">The bytes that a normal token's text stands for.</param>
    /// <exception cref="VocabularyException">The tokens contradict themselves.</exception>
    public Vocabulary(TokenizerDefinition definition, Func<string, byte[]> bytesOf)
    {
        int count = definition.Tokens.Count;
        if (count == 0) throw new VocabularyException("The vocabulary has no tokens.");
        VocabularyLimits.CheckCount("tokens", count, VocabularyLimits.MaximumTokens);
        if (definition.Kinds is { } kinds) VocabularyLimits.CheckSameCount("tokenizer.ggml.token_type", kinds.Count, count);
        if (definition.Scores is { } scores) VocabularyLimits.CheckSameCount("tokenizer.ggml.scores", scores.Count, count);

        // Files of some models have empty tokens; they can't be written and so can't be confused either.
        _texts = [.. definition.Tokens.Select((text, id) => text.Length == 0 ? $"[EMPTY_{id}]" : text)];
        _kinds = definition.Kinds is null ? [.. Enumerable.Repeat(TokenKind.Normal, count)] : [.. definition.Kinds.Select(KnownKind)];
        _idByText = new Dictionary<string, int>(count, StringComparer.Ordinal);
        for (int id = 0; id < count; id++)
        {
            if (!_idByText.TryAdd(_texts[id], id))
                throw new VocabularyException($"Tokens {_idByText[_texts[id]]} and {id} have the same text.");
        }

        SpecialTokens = new SpecialTokens(definition.SpecialTokens, _idByText, _kinds);
        (_bytes, _byteStarts) = PackBytes(bytesOf);
    }

    public int Count => _texts.Length;

    public SpecialTokens SpecialTokens { get; }

    public string Text(int id) => _texts[id];

    public TokenKind Kind(int id) => _kinds[id];

    /// <summary>The id of the token with a text, whatever its kind.</summary>
    public int? Find(string text) => _idByText.TryGetValue(text, out int id) ? id : null;

    public ReadOnlyMemory<byte> Bytes(int id) => _bytes.AsMemory(_byteStarts[id].._byteStarts[id + 1]);

    /// <summary>True where encoding plain text may give this token: control tokens and the unknown token are never spelled out.</summary>
    public bool IsSpelledOut(int id) => _kinds[id] is not (TokenKind.Control or TokenKind.Unknown);

    /// <summary>True where a token is looked for in a text before anything else.</summary>
    public bool IsSpecial(int id) => _kinds[id] is TokenKind.Control or TokenKind.Unknown or TokenKind.UserDefined;

    /// <summary>Id of the token of each byte in the form <c>&lt;0xNN&gt;</c>, or -1.</summary>
    public int[] ByteTokens()
    {
        int[] ids = new int[256];
        for (int value = 0; value < ids.Length; value++) ids[value] = Find($"<0x{value:X2}>") ?? -1;
        return ids;
    }

    static TokenKind KnownKind(TokenKind kind) => Enum.IsDefined(kind) ? kind : TokenKind.Unused;

    (byte[] Bytes, int[] Starts) PackBytes(Func<string, byte[]> bytesOf)
    {
        var packed = new MemoryStream(8 * Count);
        int[] starts = new int[Count + 1];
        for (int id = 0; id < Count; id++)
        {
            byte[] bytes = _kinds[id] switch
            {
                TokenKind.Normal => bytesOf(_texts[id]),
                TokenKind.Byte => [ParseByte(id)],
                TokenKind.Unused => [],
                _ => Encoding.UTF8.GetBytes(_texts[id]),
            };
            VocabularyLimits.CheckLength(id, bytes.Length);
            packed.Write(bytes);
            VocabularyLimits.CheckTotal("tokens", packed.Length, VocabularyLimits.MaximumTextBytes);
            starts[id + 1] = (int)packed.Length;
        }
        return (packed.ToArray(), starts);
    }

    byte ParseByte(int id)
    {
        string text = _texts[id];
        if (text is ['<', '0', 'x', var high, var low, '>'] && char.IsAsciiHexDigit(high) && char.IsAsciiHexDigit(low))
            return Convert.FromHexString(text.AsSpan(3, 2))[0];
        throw new VocabularyException($"Token {id} is a byte token, but its text is not of the form <0xNN>.");
    }
}
