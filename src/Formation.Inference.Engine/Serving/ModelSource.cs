namespace Formation.Inference.Engine.Serving;

/// <summary>Where a model comes from.</summary>
/// <param name="Path">A GGUF file; of a split model any part.</param>
public sealed record ModelSource(string Path)
{
    /// <summary>The name shown as the model's owner.</summary>
    public string OwnedBy { get; init; } = "formation";

    /// <summary>The GGUF file of a small model with the same vocabulary that guesses this one's tokens, or null.</summary>
    public string? DraftPath { get; init; }
}

/// <summary>What a model needs and offers, known from its header before anything large is read.</summary>
/// <param name="MemoryBytes">Memory while it is loaded: weights, KV blocks, scratch.</param>
/// <param name="ContextLength">Tokens that prompt and completion may have together.</param>
/// <param name="ParameterCount">Number of weights.</param>
public sealed record ModelFootprint(long MemoryBytes, int ContextLength, long ParameterCount)
{
    /// <summary>Values of the model's embeddings, or null where it makes none.</summary>
    public int? EmbeddingWidth { get; init; }
}

/// <summary>Reads a model's header.</summary>
/// <exception cref="ModelLoadException">The model can't be served; the message says why.</exception>
public delegate ModelFootprint MeasureModel(ModelSource source);

/// <summary>Loads a model. Runs on a thread of its own.</summary>
/// <param name="source">Where it is.</param>
/// <param name="progress">Told the share that is loaded, 0 to 1.</param>
/// <param name="cancellationToken">Ends the load; nothing stays loaded.</param>
/// <exception cref="ModelLoadException">The model can't be served; the message says why.</exception>
public delegate ServableModel LoadModel(ModelSource source, IProgress<double> progress, CancellationToken cancellationToken);

/// <summary>A model that can't be served. The message is for the operator and the caller: it names the file's fault, and no path.</summary>
public sealed class ModelLoadException(string message, Exception? cause = null) : Exception(message, cause);
