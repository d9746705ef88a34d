using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Dense;

/// <summary>A document in a step: its rows, which attend to nothing outside it.</summary>
/// <param name="Start">Its first row.</param>
/// <param name="Length">Its rows.</param>
public readonly record struct DocumentSpan(int Start, int Length);

/// <summary>
/// Causal attention inside each document, with fewer key heads than query heads where wanted, and its gradient. An item of work is one
/// document and one key head, with the query heads that share it, so no two items write to the same place.
/// </summary>
public sealed unsafe class DenseAttention : IDisposable
{
    private const int Lanes = 16;
    private readonly int _heads;
    private readonly int _keyHeads;
    private readonly int _headDim;
    private readonly float _scale;
    private readonly DenseMatrix[] _scratch;

    /// <param name="team">Who works.</param>
    /// <param name="heads">Query heads, a multiple of <paramref name="keyHeads"/>.</param>
    /// <param name="keyHeads">Key and value heads.</param>
    /// <param name="headDim">Values of a head.</param>
    /// <param name="longest">Rows of the longest document.</param>
    public DenseAttention(WorkerTeam team, int heads, int keyHeads, int headDim, int longest)
    {
        if (heads % keyHeads != 0)
            throw new ArgumentException($"{heads} query heads can't share {keyHeads} key heads evenly", nameof(heads));
        _heads = heads;
        _keyHeads = keyHeads;
        _headDim = headDim;
        _scale = 1f / MathF.Sqrt(headDim);
        _scratch = new DenseMatrix[team.Threads];
        for (var i = 0; i < _scratch.Length; i++)
            _scratch[i] = new DenseMatrix(headDim + 1, Padded(longest));
    }

    /// <summary>Values that <see cref="Forward"/> keeps for the gradient: a padded triangle for each query head of each document.</summary>
    public static long ProbabilityCount(ReadOnlySpan<DocumentSpan> documents, int heads)
    {
        var count = 0L;
        foreach (var document in documents)
            count += (long)document.Length * Padded(document.Length) * heads;
        return count;
    }

    /// <param name="team">Who works.</param>
    /// <param name="q">At least (rows, heads * headDim).</param>
    /// <param name="k">At least (rows, keyHeads * headDim).</param>
    /// <param name="v">The same shape as k.</param>
    /// <param name="output">The same shape as q.</param>
    /// <param name="probabilities">At least (1, <see cref="ProbabilityCount"/>).</param>
    /// <param name="documents">The step's documents.</param>
    public void Forward(
        WorkerTeam team, DenseMatrix q, DenseMatrix k, DenseMatrix v, DenseMatrix output, DenseMatrix probabilities, DocumentSpan[] documents)
    {
        var offsets = Offsets(documents);
        DenseJob.Run(
            team, documents.Length * _keyHeads,
            (item, worker) =>
            {
                var document = documents[item / _keyHeads];
                var keyHead = item % _keyHeads;
                var padded = Padded(document.Length);
                var keys = _scratch[worker].Pointer;
                Transpose(k, document, keyHead, keys, padded);
                for (var head = keyHead * Group; head < (keyHead + 1) * Group; head++)
                    ForwardHead(
                        document, head, q, v.Pointer + At(v, document, keyHead), v.Columns, output, keys, padded,
                        probabilities.Pointer + offsets[item / _keyHeads] + (nint)head * document.Length * padded);
            });
    }

    /// <summary>The gradients of q, k and v; all three are overwritten.</summary>
    public void Backward(
        WorkerTeam team, DenseMatrix q, DenseMatrix k, DenseMatrix v, DenseMatrix doutput, DenseMatrix probabilities,
        DenseMatrix dq, DenseMatrix dk, DenseMatrix dv, DocumentSpan[] documents)
    {
        var offsets = Offsets(documents);
        DenseJob.Run(
            team, documents.Length * _keyHeads,
            (item, worker) =>
            {
                var document = documents[item / _keyHeads];
                var keyHead = item % _keyHeads;
                var padded = Padded(document.Length);
                var values = _scratch[worker].Pointer;
                Transpose(v, document, keyHead, values, padded);
                Clear(dk, document, keyHead);
                Clear(dv, document, keyHead);
                for (var head = keyHead * Group; head < (keyHead + 1) * Group; head++)
                    BackwardHead(
                        document, head, q, k, doutput, dq, dk, dv, values, padded,
                        probabilities.Pointer + offsets[item / _keyHeads] + (nint)head * document.Length * padded);
            });
    }

    public void Dispose()
    {
        foreach (var scratch in _scratch)
            scratch.Dispose();
    }

    private int Group => _heads / _keyHeads;

    private static int Padded(int length) => (length + Lanes - 1) / Lanes * Lanes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ForwardHead(
        DocumentSpan document, int head, DenseMatrix q, float* v, int valueStride, DenseMatrix output, float* keys, int padded,
        float* probabilities)
    {
        for (var i = 0; i < document.Length; i++)
        {
            var row = (nint)(document.Start + i) * q.Columns + head * _headDim;
            var scores = probabilities + (nint)i * padded;
            var visible = i + 1;
            Project(q.Pointer + row, keys, padded, Padded(visible), scores);
            DenseMath.Scale(scores, _scale, visible);
            new Span<float>(scores + visible, Padded(visible) - visible).Fill(float.NegativeInfinity);
            var sum = DenseMath.ExpShifted(scores, DenseMath.Max(scores, Padded(visible)), Padded(visible));
            DenseMath.Scale(scores, 1f / sum, Padded(visible));

            var target = output.Pointer + row;
            new Span<float>(target, _headDim).Clear();
            for (var j = 0; j < visible; j++)
                DenseMath.AddScaled(target, v + (nint)j * valueStride, scores[j], _headDim);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void BackwardHead(
        DocumentSpan document, int head, DenseMatrix q, DenseMatrix k, DenseMatrix doutput, DenseMatrix dq, DenseMatrix dk, DenseMatrix dv,
        float* values, int padded, float* probabilities)
    {
        var keyHead = head / Group;
        float* keys = k.Pointer + At(k, document, keyHead), dkeys = dk.Pointer + At(dk, document, keyHead);
        var dvalues = dv.Pointer + At(dv, document, keyHead);
        var dscores = values + (nint)_headDim * padded;
        for (var i = 0; i < document.Length; i++)
        {
            var row = (nint)(document.Start + i) * q.Columns + head * _headDim;
            var visible = i + 1;
            var p = probabilities + (nint)i * padded;
            float* query = q.Pointer + row, dout = doutput.Pointer + row, dquery = dq.Pointer + row;
            Project(dout, values, padded, Padded(visible), dscores);
            var mean = DenseMath.Dot(p, dscores, visible);
            new Span<float>(dquery, _headDim).Clear();
            for (var j = 0; j < visible; j++)
            {
                var dscore = p[j] * (dscores[j] - mean) * _scale;
                var place = (nint)j * k.Columns;
                DenseMath.AddScaled(dquery, keys + place, dscore, _headDim);
                DenseMath.AddScaled(dkeys + place, query, dscore, _headDim);
                DenseMath.AddScaled(dvalues + place, dout, p[j], _headDim);
            }
        }
    }

    /// <summary>result[j] = sum over d of vector[d] * columns[d, j]: one vector against every row of a transposed matrix.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Project(float* vector, float* columns, int padded, int count, float* result)
    {
        for (var j = 0; j < count; j += Lanes)
        {
            var sum = Vector512<float>.Zero;
            var column = columns + j;
            for (var d = 0; d < _headDim; d++, column += padded)
                sum = Vector512.FusedMultiplyAdd(
                    Vector512.Create(vector[d]), Vector512.Load(column), sum);
            Vector512.Store(sum, result + j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Transpose(DenseMatrix source, DocumentSpan document, int head, float* target, int padded)
    {
        var first = source.Pointer + At(source, document, head);
        for (var d = 0; d < _headDim; d++)
        {
            var row = target + (nint)d * padded;
            for (var j = 0; j < document.Length; j++)
                row[j] = first[(nint)j * source.Columns + d];
            for (var j = document.Length; j < padded; j++)
                row[j] = 0f;
        }
    }

    private void Clear(DenseMatrix matrix, DocumentSpan document, int head)
    {
        var first = matrix.Pointer + At(matrix, document, head);
        for (var j = 0; j < document.Length; j++)
            new Span<float>(first + (nint)j * matrix.Columns, _headDim).Clear();
    }

    private nint At(DenseMatrix matrix, DocumentSpan document, int head) => (nint)document.Start * matrix.Columns + head * _headDim;

    private nint[] Offsets(DocumentSpan[] documents)
    {
        var offsets = new nint[documents.Length];
        for (var i = 1; i < documents.Length; i++)
            offsets[i] = offsets[i - 1] + (nint)documents[i - 1].Length * Padded(documents[i - 1].Length) * _heads;
        return offsets;
    }
}
