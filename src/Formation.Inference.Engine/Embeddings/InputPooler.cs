namespace Formation.Inference.Engine.Embeddings;

/// <summary>
/// Makes the vectors of one input of its rows, which come in the order of their positions, in whatever chunks. Sums are doubles and added in that
/// order, so the result depends on nothing but the rows. Belongs to the engine's thread.
/// </summary>
internal sealed class InputPooler
{
    readonly Pooling _pooling;
    readonly EmbeddingKind _kind;
    readonly bool _normalize;
    readonly int _length;
    readonly int _width;
    readonly double[] _sums;
    readonly float[] _tokens;

    /// <param name="request">What is asked for.</param>
    /// <param name="pooling">How the model pools.</param>
    /// <param name="length">Tokens of the input.</param>
    /// <param name="width">Values of a vector, at most those of a row.</param>
    public InputPooler(EmbeddingRequest request, Pooling pooling, int length, int width)
    {
        (_kind, _normalize, _pooling, _length, _width) = (request.Kind, request.Normalize, pooling, length, width);
        _sums = _kind == EmbeddingKind.Input ? new double[width] : [];
        _tokens = _kind == EmbeddingKind.Token ? new float[checked(length * width)] : [];
    }

    /// <summary>The first position whose row has not been seen.</summary>
    public int Next { get; private set; }

    /// <summary>Whether rows are needed that the prefix cache may spare: others than the last.</summary>
    public bool NeedsAllRows => _kind == EmbeddingKind.Token || _pooling != Pooling.Last;

    /// <summary>The next position whose row is wanted.</summary>
    /// <param name="position">No position before this one.</param>
    /// <returns>The position, or the input's length where none is.</returns>
    public int NextWanted(int position)
    {
        position = Math.Max(position, Next);
        return (_kind, _pooling) switch
        {
            (EmbeddingKind.Input, Pooling.Last) => _length - 1 >= position ? _length - 1 : _length,
            (EmbeddingKind.Input, Pooling.First) => position == 0 ? 0 : _length,
            _ => position,
        };
    }

    /// <summary>Takes a wanted row.</summary>
    /// <param name="position">Its position.</param>
    /// <param name="row">What the model's last norm gives for it.</param>
    public void Add(int position, ReadOnlySpan<float> row)
    {
        Next = position + 1;
        row = row[.._width];
        if (_kind == EmbeddingKind.Token)
            row.CopyTo(_tokens.AsSpan(position * _width));
        else
            for (var i = 0; i < _width; i++)
                _sums[i] += row[i];
    }

    /// <summary>The vectors, when all wanted rows have come.</summary>
    /// <param name="vectors">One behind the other.</param>
    /// <returns>False where a value is not finite.</returns>
    public bool TryFinish(out float[] vectors)
    {
        vectors = _kind == EmbeddingKind.Token ? _tokens : new float[_width];
        if (_kind == EmbeddingKind.Input)
            return TryWrite(_sums, _pooling == Pooling.Mean ? _length : 1, vectors);
        var row = new double[_width];
        for (var first = 0; first < vectors.Length; first += _width)
        {
            for (var i = 0; i < _width; i++)
                row[i] = vectors[first + i];
            if (!TryWrite(row, 1, vectors.AsSpan(first, _width)))
                return false;
        }

        return true;
    }

    bool TryWrite(ReadOnlySpan<double> values, int count, Span<float> vector)
    {
        var squares = 0.0;
        foreach (var value in values)
            squares += value * value;
        var divisor = !_normalize ? count : squares > 0 ? Math.Sqrt(squares) : 1;
        var isFinite = true;
        for (var i = 0; i < vector.Length; i++)
        {
            vector[i] = (float)(values[i] / divisor);
            isFinite &= float.IsFinite(vector[i]);
        }

        return isFinite;
    }
}
