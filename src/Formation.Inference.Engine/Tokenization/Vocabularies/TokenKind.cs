namespace Formation.Inference.Engine.Tokenization;

/// <summary>What a token is for. The numbers are those of <c>tokenizer.ggml.token_type</c>.</summary>
public enum TokenKind
{
    /// <summary>Text.</summary>
    Normal = 1,

    /// <summary>Stands for text that the vocabulary can't express.</summary>
    Unknown = 2,

    /// <summary>Structure that only a chat template may write: begin of text, end of turn.</summary>
    Control = 3,

    /// <summary>Text that is always this one token, before anything else looks at it.</summary>
    UserDefined = 4,

    /// <summary>Never rendered.</summary>
    Unused = 5,

    /// <summary>One byte, written as <c>&lt;0xNN&gt;</c>.</summary>
    Byte = 6,
}
