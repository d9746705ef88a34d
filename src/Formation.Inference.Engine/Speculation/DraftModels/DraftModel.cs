using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Speculation.DraftModels;

/// <summary>A small model that guesses the tokens of a larger one with the same vocabulary.</summary>
public sealed class DraftModel : IDisposable
{
    /// <summary>Embedding, all layers, output head, with KV memory of its own. Disposed with the model.</summary>
    public required Pipeline Pipeline { get; init; }

    /// <summary>Positions that it was made for; longer sequences have no drafts of it.</summary>
    public required int ContextLength { get; init; }

    /// <summary>KV blocks that every stage has memory for.</summary>
    public required int BlockCount { get; init; }

    /// <summary>What the pipeline stands on (weights, files), disposed after it in this order.</summary>
    public IReadOnlyList<IDisposable> Resources { get; init; } = [];

    public void Dispose()
    {
        Pipeline.Dispose();
        foreach (var resource in Resources)
            resource.Dispose();
    }
}
