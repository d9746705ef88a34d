namespace Formation.Inference.Engine.Tokenization;

/// <summary>Everything that decides how text becomes ids: what a GGUF file holds under <c>tokenizer.ggml.*</c>, not yet checked.</summary>
public sealed record TokenizerDefinition
{
    /// <summary><c>gpt2</c> (byte-level BPE), <c>llama</c> (SentencePiece BPE) or <c>bert</c> (WordPiece).</summary>
    public required string Model { get; init; }

    /// <summary>Text of each token by id: in the byte-level alphabet for <c>gpt2</c>, with U+2581 for a space for the others.</summary>
    public required IReadOnlyList<string> Tokens { get; init; }

    /// <summary>Name of the splitting rule; needed for <c>gpt2</c>.</summary>
    public string? PreTokenizer { get; init; }

    /// <summary>Kind of each token; null: all are <see cref="TokenKind.Normal"/>.</summary>
    public IReadOnlyList<TokenKind>? Kinds { get; init; }

    /// <summary>Log probability of each token; a higher one is merged first. Needed for <c>llama</c>.</summary>
    public IReadOnlyList<float>? Scores { get; init; }

    /// <summary>Pairs of tokens with a space between, the most important first; needed for <c>gpt2</c>.</summary>
    public IReadOnlyList<string>? Merges { get; init; }

    /// <summary>Ids of the tokens with a part to play.</summary>
    public SpecialTokenIds SpecialTokens { get; init; } = new();

    /// <summary>Whether text starts with the begin token; null: as usual for the model and pre-tokenizer.</summary>
    public bool? AddBos { get; init; }

    /// <summary>Whether text ends with the end token; null: no.</summary>
    public bool? AddEos { get; init; }

    /// <summary>Whether SentencePiece puts a space in front of the text; null: yes.</summary>
    public bool? AddSpacePrefix { get; init; }

    /// <summary>Whether WordPiece lowers the case; null: yes.</summary>
    public bool? Lowercase { get; init; }

    /// <summary>Whether WordPiece removes accents; null: where it lowers the case.</summary>
    public bool? StripAccents { get; init; }

    /// <summary>The model's name (<c>general.name</c>), by which some quirks that files don't state are known.</summary>
    public string ModelName { get; init; } = "";
}

/// <summary>Ids of the tokens with a part to play; null: the vocabulary has none.</summary>
public sealed record SpecialTokenIds
{
    /// <summary>Begin of text; <c>[CLS]</c> for WordPiece.</summary>
    public int? Bos { get; init; }

    /// <summary>End of text.</summary>
    public int? Eos { get; init; }

    /// <summary>End of a turn.</summary>
    public int? Eot { get; init; }

    /// <summary>End of a message that goes on after a tool's answer.</summary>
    public int? Eom { get; init; }

    public int? Unknown { get; init; }

    /// <summary>Separator; <c>[SEP]</c> for WordPiece.</summary>
    public int? Separator { get; init; }

    public int? Padding { get; init; }

    public int? Mask { get; init; }

    /// <summary>Stands before what comes before the gap, in a text that is to be filled in (fill-in-the-middle).</summary>
    public int? FillInTheMiddlePrefix { get; init; }

    /// <summary>Stands before what comes behind the gap.</summary>
    public int? FillInTheMiddleSuffix { get; init; }

    /// <summary>Stands before what fills the gap.</summary>
    public int? FillInTheMiddleMiddle { get; init; }

    /// <summary>Tokens of fill-in-the-middle formats at which generation ends (padding, repository, file).</summary>
    public IReadOnlyList<int> FillInTheMiddleEnds { get; init; } = [];
}
