using Formation.Inference.Engine.Gguf;

namespace Formation.Inference.Engine.Embeddings;

/// <summary>How a model makes one vector of the hidden states of an input's tokens.</summary>
public enum Pooling
{
    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>That of the first token.</summary>
    First,

    /// <summary>That of the last token.</summary>
    Last,

    /// <summary>A score for a pair of texts: the model is a reranker and makes no vectors.</summary>
    Rank,

    /// <summary>A way that this engine does not know.</summary>
    Unknown,
}

/// <summary>Reads pooling, <c>{architecture}.pooling_type</c>, with llama.cpp's numbers.</summary>
public static class PoolingOfFile
{
    /// <summary>Whether a model with this pooling embeds.</summary>
    public static bool MakesVectors(this Pooling pooling) => pooling is not (Pooling.Rank or Pooling.Unknown);

    /// <exception cref="GgufException">The value is no integer.</exception>
    internal static Pooling Read(GgufMetadata metadata, string key) => metadata.FindInteger(key) switch
    {
        // Most decoders say nothing: all that is asked of them is the next token. 0 and -1 say as little.
        null or -1 or 0 or 1 => Pooling.Mean,
        2 => Pooling.First,
        3 => Pooling.Last,
        4 => Pooling.Rank,

        // The model is still good for completions.
        _ => Pooling.Unknown,
    };
}
