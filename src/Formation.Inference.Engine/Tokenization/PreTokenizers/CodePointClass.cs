namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary>What the splitting rules ask about a code point: its Unicode general category, merged to one letter, and white space.</summary>
[Flags]
internal enum CodePointClass : byte
{
    None = 0,

    /// <summary>\p{L}</summary>
    Letter = 1,

    /// <summary>\p{N}</summary>
    Number = 2,

    /// <summary>\p{M}</summary>
    Mark = 4,

    /// <summary>\p{P}</summary>
    Punctuation = 8,

    /// <summary>\p{S}</summary>
    Symbol = 16,

    /// <summary>\s, which is the Unicode property White_Space.</summary>
    WhiteSpace = 32,

    /// <summary>Cc, Cf, Co or Cs.</summary>
    Control = 64,
}
