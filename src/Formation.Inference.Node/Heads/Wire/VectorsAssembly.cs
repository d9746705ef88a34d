namespace Formation.Inference.Node.Heads.Wire;

/// <summary>
/// Puts the vectors of a request together from their parts, and holds each part against the request: what no honest head would send never passes,
/// and memory grows with the values that come, not with those that are announced. Belongs to one request.
/// </summary>
sealed class VectorsAssembly(EmbeddingRequest request)
{
    readonly List<InputEmbedding> _inputs = [];
    float[] _values = [];
    int _count;
    int _tokens;
    int _width;
    long _allTokens;
    long _allValues;

    /// <summary>Whether all vectors are there.</summary>
    public bool IsComplete => _inputs.Count == request.Inputs.Count;

    /// <summary>All vectors; only where <see cref="IsComplete"/>.</summary>
    public EmbeddingAnswer Answer => new(_inputs);

    /// <summary>Takes the next part.</summary>
    /// <exception cref="GenerationProtocolException">It is not the next one, or does not belong to this request.</exception>
    public void Add(in VectorsPart part)
    {
        Require(!IsComplete && part.Input == _inputs.Count, "vectors come in a wrong order");
        if (_count == 0)
            Begin(part);
        Require(part.Tokens == _tokens && part.Width == _width, "the parts of an input's vectors do not fit together");
        var length = Length;
        Require(part.Count <= length - _count, "an input has more values than its vectors have");
        if (_values.Length < _count + part.Count)
            Array.Resize(ref _values, (int)Math.Min(length, Math.Max(2L * _values.Length, _count + part.Count)));
        for (var i = 0; i < part.Count; i++)
        {
            var value = part[i];
            Require(float.IsFinite(value), "a vector has a value that is not finite");
            _values[_count++] = value;
        }

        if (_count < length)
            return;
        _inputs.Add(new InputEmbedding(_tokens, _width, _values));
        (_values, _count) = ([], 0);
    }

    void Begin(in VectorsPart part)
    {
        Require(_inputs.Count == 0 || part.Width == _width, "its vectors differ in width");
        Require(request.Dimensions is not { } dimensions || part.Width == dimensions, "its vectors have not the width that was asked for");
        Require(request.Inputs[_inputs.Count] is not TokenPrompt { TokenIds.Count: var ids } || part.Tokens == ids
            || (request.Truncation != InputTruncation.None && part.Tokens < ids), "it sees another number of tokens than were sent");
        (_tokens, _width) = (part.Tokens, part.Width);
        _allTokens += _tokens;
        _allValues += Length;
        Require(_allTokens <= EmbeddingRequest.MaxTokens && _allValues <= EmbeddingRequest.MaxValues, "it sends more than an answer may have");
    }

    long Length => request.Kind == EmbeddingKind.Token ? (long)_tokens * _width : _width;

    static void Require(bool condition, string fault)
    {
        if (!condition)
            throw new GenerationProtocolException(fault);
    }
}
