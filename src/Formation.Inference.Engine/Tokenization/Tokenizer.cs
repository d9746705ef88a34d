using System.Text;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Tokenization.Vocabularies;

namespace Formation.Inference.Engine.Tokenization;

/// <summary>
/// Turns text into a model's token ids and back. Ids equal those of llama.cpp, except that text which no template wrote never becomes
/// a control token (docs/adr/0004-own-tokenizers.md).
/// </summary>
/// <remarks>
/// Thread-safe. Encoding takes O(n log n) time, and memory in proportion to the text (at most about 100 bytes a byte), on any input.
/// </remarks>
public abstract class Tokenizer
{
    readonly SpecialTokenMatcher _matcher;
    readonly SpecialTokenSpacing _spacing;

    private protected Tokenizer(TokenizerDefinition definition, Func<string, byte[]> bytesOf, bool addsBosByDefault)
    {
        Vocabulary = new Vocabulary(definition, bytesOf);
        _matcher = new SpecialTokenMatcher(Vocabulary);
        _spacing = new SpecialTokenSpacing(Vocabulary, definition.ModelName);
        AddBos = definition.AddBos ?? (addsBosByDefault && Bos is not null);
        AddEos = definition.AddEos ?? false;
        if (AddBos && Bos is null)
            throw new VocabularyException("tokenizer.ggml.add_bos_token is true, but the vocabulary names no begin-of-text token.");
        if (AddEos && Eos is null)
            throw new VocabularyException("tokenizer.ggml.add_eos_token is true, but the vocabulary names no end-of-text token.");
    }

    private protected Vocabulary Vocabulary { get; }

    /// <summary>Number of tokens; ids are below it.</summary>
    public int VocabularySize => Vocabulary.Count;

    /// <summary>Begin-of-text token, or null.</summary>
    public int? Bos => Vocabulary.SpecialTokens.Bos;

    /// <summary>End-of-text token, or null.</summary>
    public int? Eos => Vocabulary.SpecialTokens.Eos;

    /// <summary>End-of-turn token, or null.</summary>
    public int? Eot => Vocabulary.SpecialTokens.Eot;

    /// <summary>End-of-message token, or null.</summary>
    public int? Eom => Vocabulary.SpecialTokens.Eom;

    /// <summary>Token for text that can't be expressed, or null.</summary>
    public int? Unknown => Vocabulary.SpecialTokens.Unknown;

    /// <summary>Separator token, or null.</summary>
    public int? Separator => Vocabulary.SpecialTokens.Separator;

    /// <summary>Padding token, or null.</summary>
    public int? Padding => Vocabulary.SpecialTokens.Padding;

    /// <summary>Whether <c>addSpecial</c> puts the begin-of-text token in front.</summary>
    public bool AddBos { get; }

    /// <summary>Whether <c>addSpecial</c> puts the end-of-text token at the end.</summary>
    public bool AddEos { get; }

    /// <summary>Whether a text's first token carries a space that is not the text's (SentencePiece).</summary>
    public virtual bool AddsSpacePrefix => false;

    /// <summary>What marks the parts of a text with a gap, or null where the vocabulary has no such tokens.</summary>
    internal InfillMarks? Infill => Vocabulary.SpecialTokens.Infill;

    /// <summary>All tokens at which generation ends.</summary>
    public IReadOnlySet<int> EndOfGeneration => Vocabulary.SpecialTokens.EndOfGeneration;

    /// <summary>Makes the tokenizer of a GGUF file from its metadata.</summary>
    /// <exception cref="GgufException">The metadata lack a key, the vocabulary is broken, or its kind is not supported.</exception>
    public static Tokenizer FromGguf(GgufMetadata metadata)
    {
        try
        {
            return Create(GgufTokenizerReader.Read(metadata));
        }
        catch (VocabularyException exception)
        {
            GgufErrorKind kind = exception.IsUnsupported ? GgufErrorKind.UnsupportedTokenizer : GgufErrorKind.InvalidVocabulary;
            throw new GgufException(kind, -1, exception.Message, exception);
        }
    }

    /// <summary>Makes a tokenizer.</summary>
    /// <exception cref="VocabularyException">The vocabulary is broken, or its kind is not supported.</exception>
    public static Tokenizer Create(TokenizerDefinition definition) => definition.Model switch
    {
        "gpt2" => new BytePairTokenizer(definition),
        "llama" => new SentencePieceTokenizer(definition),
        "bert" => new WordPieceTokenizer(definition),
        _ => throw new VocabularyException(
            $"The tokenizer {GgufLimits.Quote(definition.Model)} (tokenizer.ggml.model) is not supported. "
            + "Supported are: gpt2, llama, bert.",
            isUnsupported: true),
    };

    /// <summary>The ids of a text.</summary>
    /// <param name="text">The text; special tokens in it count only where they lie wholly in a control range.</param>
    /// <param name="addSpecial">Whether to add begin and end tokens where <see cref="AddBos"/> and <see cref="AddEos"/> say so.</param>
    /// <param name="maxTokens">
    /// Encoding may stop once there are more ids than this: a result longer than <paramref name="maxTokens"/> says that the text is too
    /// long, not how long it is.
    /// </param>
    /// <exception cref="ArgumentException">The control ranges are out of order, overlap, or leave the text.</exception>
    public int[] Encode(PromptText text, bool addSpecial, int maxTokens = int.MaxValue, CancellationToken cancellationToken = default)
    {
        Utf8Prompt prompt = Utf8Prompt.From(text);
        return Encode(prompt.Text, prompt.ControlRanges, addSpecial, maxTokens, cancellationToken);
    }

    /// <summary>The ids of plain text that does not begin a text: it gets no space in front (SentencePiece), and no begin or end token.</summary>
    /// <inheritdoc cref="Encode(PromptText, bool, int, CancellationToken)"/>
    internal int[] EncodeContinuation(string text, int maxTokens = int.MaxValue, CancellationToken cancellationToken = default)
        => Encode(Utf8Prompt.From(PromptText.Plain(text)).Text, [], addSpecial: false, maxTokens, cancellationToken, startsText: false);

    /// <summary>The ids of a text that is given as bytes, which need not be valid UTF-8.</summary>
    /// <param name="trusted">Whether special tokens in the text count everywhere, or nowhere.</param>
    /// <inheritdoc cref="Encode(PromptText, bool, int, CancellationToken)"/>
    public int[] EncodeUtf8(
        ReadOnlySpan<byte> text, bool trusted, bool addSpecial, int maxTokens = int.MaxValue, CancellationToken cancellationToken = default)
        => Encode(text, trusted ? [new TextRange(0, text.Length)] : [], addSpecial, maxTokens, cancellationToken);

    /// <summary>
    /// The bytes that a token stands for, not always whole characters. For a control token its name; empty for an unused one.
    /// SentencePiece's space at the start of a text is in them.
    /// </summary>
    public ReadOnlyMemory<byte> TokenBytes(int id) => Vocabulary.Bytes(Checked(id));

    /// <summary>A token's bytes as text; of a control token its name. Null for no token.</summary>
    internal string? NameOf(int? id) => id is { } token ? Encoding.UTF8.GetString(TokenBytes(token).Span) : null;

    /// <summary>Whether a token is structure rather than text: it comes from templates only and has no text of its own.</summary>
    public bool IsControl(int id) => !Vocabulary.IsSpelledOut(Checked(id));

    /// <summary>Whether generation ends at a token.</summary>
    public bool IsEndOfGeneration(int id) => Vocabulary.SpecialTokens.EndOfGeneration.Contains(id);

    /// <summary>The kind of a token.</summary>
    public TokenKind Kind(int id) => Vocabulary.Kind(Checked(id));

    /// <summary>The control, unknown or user-defined token with exactly this text, or null.</summary>
    public int? FindSpecial(string text)
        => Vocabulary.Find(text) is { } id && Vocabulary.IsSpecial(id) ? id : null;

    /// <summary>The text of a whole sequence.</summary>
    /// <param name="ids">Token ids, from the start of a text.</param>
    /// <param name="renderControl">Whether control tokens show as their names.</param>
    public string Decode(ReadOnlySpan<int> ids, bool renderControl = false)
    {
        var detokenizer = new StreamingDetokenizer(this, renderControl, startsText: true);
        var text = new StringBuilder();
        foreach (int id in ids) text.Append(detokenizer.Append(id));
        return text.Append(detokenizer.Flush()).ToString();
    }

    /// <summary>Whether a token's bytes are part of the text when control tokens are not shown.</summary>
    internal bool IsRendered(int id) => !IsControl(id) || Vocabulary.SpecialTokens.IsAlwaysRendered(id);

    /// <summary>The token that <c>addSpecial</c> puts at the end, or null.</summary>
    internal int? AddedEnd => EndToken;

    /// <inheritdoc cref="AddedEnd"/>
    private protected virtual int? EndToken => AddEos ? Eos : null;

    /// <summary>Encodes stretches of text between special tokens, one after the other, for one text.</summary>
    internal abstract EncodingSession CreateSession(CancellationToken cancellationToken);

    int[] Encode(
        ReadOnlySpan<byte> text,
        IReadOnlyList<TextRange> controlRanges,
        bool addSpecial,
        int maxTokens,
        CancellationToken cancellationToken,
        bool startsText = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxTokens);
        var ids = new List<int>();
        if (addSpecial && AddBos) ids.Add(Bos!.Value);

        using EncodingSession session = CreateSession(cancellationToken);
        session.GoesOn = !startsText;
        int position = 0;
        foreach (SpecialMatch special in _matcher.Find(text, controlRanges))
        {
            if (special.Start > position) session.Encode(text[position..special.Start], ids, maxTokens);
            if (ids.Count > maxTokens) return [.. ids];
            ids.Add(special.Id);
            session.GoesOn = false;
            position = _spacing.StartAfter(text, special);
        }
        if (position < text.Length) session.Encode(text[position..], ids, maxTokens);
        if (addSpecial && EndToken is { } end) ids.Add(end);
        return [.. ids];
    }

    int Checked(int id) => (uint)id < (uint)VocabularySize
        ? id
        : throw new ArgumentOutOfRangeException(nameof(id), id, $"Token ids are below {VocabularySize}.");
}
