using Formation.Inference.Engine.KvCache;
using Formation.Inference.Engine.Sequences;

namespace Formation.Inference.Engine.Embeddings;

/// <summary>
/// The inputs of one request on their way through the engine. Only some of them are in the scheduler at a time, so that a request with thousands
/// lets others of its account in between. Made on the caller's thread; then belongs to the engine's, until the request has ended.
/// </summary>
/// <param name="request">The request.</param>
/// <param name="inputs">Its inputs as tokens, with the prefix keys of their full blocks.</param>
/// <param name="pooling">How the model pools.</param>
/// <param name="width">Values of a row.</param>
/// <param name="maxAtOnce">Inputs that are worked on at the same time.</param>
internal sealed class EmbeddingWork(
    EmbeddingRequest request, IReadOnlyList<(int[] Tokens, PrefixKey[] Keys)> inputs, Pooling pooling, int width, int maxAtOnce)
{
    readonly Dictionary<SequenceGroup, int> _begun = [];
    readonly InputEmbedding?[] _results = new InputEmbedding?[inputs.Count];
    int _next;
    int _finished;

    /// <summary>The inputs that are worked on.</summary>
    public IReadOnlyCollection<SequenceGroup> Begun => _begun.Keys;

    /// <summary>Tokens of all inputs.</summary>
    public int TokenCount { get; } = inputs.Sum(input => input.Tokens.Length);

    /// <summary>Whether all inputs have their vectors.</summary>
    public bool IsFinished => _finished == inputs.Count;

    /// <summary>The answer; only where <see cref="IsFinished"/>.</summary>
    public EmbeddingAnswer Answer => new([.. _results.Select(result => result!)]);

    /// <summary>Begins the next input, where there is one and not too many are worked on.</summary>
    /// <param name="nextId">Gives ids to sequences, in the order of arrival: an input arrives when it is begun.</param>
    public SequenceGroup? TryBegin(Func<long> nextId)
    {
        if (_next == inputs.Count || _begun.Count >= maxAtOnce)
            return null;
        var (tokens, keys) = inputs[_next];
        var group = new SequenceGroup(nextId(), request.AccountId, tokens, keys, choices: 1)
        {
            Pooler = new InputPooler(request, pooling, tokens.Length, Width),
        };
        _begun.Add(group, _next++);
        return group;
    }

    /// <summary>Takes the vectors of an input that is computed.</summary>
    /// <returns>False where they are not finite.</returns>
    public bool TryFinish(SequenceGroup group)
    {
        if (!group.Pooler!.TryFinish(out var vectors) || !_begun.Remove(group, out var input))
            return false;
        _results[input] = new InputEmbedding(group.Prompt.Length, Width, vectors);
        _finished++;
        return true;
    }

    int Width => Math.Min(request.Dimensions ?? width, width);
}
