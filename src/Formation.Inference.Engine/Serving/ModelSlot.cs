using Formation.Inference.Engine.Embeddings;

namespace Formation.Inference.Engine.Serving;

/// <summary>One model of a pool. Guarded by the pool's lock.</summary>
internal sealed class ModelSlot(string id, ModelSource source, DateTimeOffset created)
{
    public string Id => id;

    public ModelSource Source => source;

    public ModelState State { get; set; } = ModelState.Available;

    /// <summary>What the header said, once it was read.</summary>
    public ModelFootprint? Footprint { get; set; }

    /// <summary>What the model can do, once it was loaded.</summary>
    public ModelAbilities? Abilities { get; set; }

    /// <summary>Bytes of the budget that are taken for this model: while it loads and as long as it is loaded.</summary>
    public long ReservedBytes { get; set; }

    /// <summary>The running engine, when ready.</summary>
    public LoadedModel? Loaded { get; set; }

    /// <summary>The load in progress. Its result says why it ended without an engine.</summary>
    public Task<GenerationError?>? Load { get; set; }

    public CancellationTokenSource? CancelLoad { get; set; }

    /// <summary>Requests that wait for the load.</summary>
    public int WaitingRequests { get; set; }

    /// <summary>Requests that use the engine.</summary>
    public int Leases { get; set; }

    /// <summary>When the last request let go, as a time stamp of the pool's clock.</summary>
    public long LastUsed { get; set; }

    public GenerationError? Failure { get; set; }

    /// <summary>When the load failed, as a time stamp of the pool's clock.</summary>
    public long FailedAt { get; set; }

    /// <summary>Whether the model was taken out of the pool and ends with its last lease.</summary>
    public bool IsRemoved { get; set; }

    /// <summary>Written by the loading thread, read without the lock.</summary>
    public double Progress { get; set; }

    public ModelDescription Describe(string name)
    {
        var contextLength = Loaded?.Engine.ContextLength ?? Footprint?.ContextLength;
        return new(
            name, created, source.OwnedBy, contextLength, Footprint?.ParameterCount, State,
            State switch { ModelState.Ready => 1, ModelState.Loading => Progress, _ => 0 })
        {
            Embedding = Footprint?.EmbeddingWidth is { } width ? new EmbeddingTraits(width, contextLength!.Value) : null,
            Abilities = Abilities,
        };
    }
}

/// <summary>A model and the engine that runs it.</summary>
internal sealed record LoadedModel(InferenceEngine Engine, PromptEncoder Encoder, EmbeddingEncoder Inputs, ModelAbilities Abilities);
