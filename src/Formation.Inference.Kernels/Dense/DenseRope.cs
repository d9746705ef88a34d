using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Threading;

namespace Formation.Inference.Kernels.Dense;

/// <summary>
/// Rotary position embedding of neighbouring pairs, as llama-architecture GGUF files store their query and key weights: pair i of each head
/// is turned by position * base^(-2i / headDim).
/// </summary>
public sealed unsafe class DenseRope : IDisposable
{
    private const int BlockRows = 32;
    private readonly DenseMatrix _cosines;
    private readonly DenseMatrix _sines;
    private readonly int _headDim;

    /// <param name="headDim">Values of a head, even.</param>
    /// <param name="positions">Positions 0 to this - 1 can be turned.</param>
    /// <param name="frequencyBase">The base, 10,000 in the first Llama models.</param>
    public DenseRope(int headDim, int positions, double frequencyBase)
    {
        _headDim = headDim;
        _cosines = new DenseMatrix(positions, headDim / 2);
        _sines = new DenseMatrix(positions, headDim / 2);
        for (var position = 0; position < positions; position++)
        {
            for (var pair = 0; pair < headDim / 2; pair++)
            {
                var angle = position * Math.Pow(frequencyBase, -2.0 * pair / headDim);
                _cosines.Row(position)[pair] = (float)Math.Cos(angle);
                _sines.Row(position)[pair] = (float)Math.Sin(angle);
            }
        }
    }

    /// <summary>Turns every head of each row in place; <paramref name="backward"/> turns back, which is the gradient.</summary>
    /// <param name="x">At least (positions.Length, heads * headDim).</param>
    /// <param name="positions">Each row's position.</param>
    public void Rotate(WorkerTeam team, DenseMatrix x, ReadOnlyMemory<int> positions, bool backward)
    {
        var rows = positions.Length;
        DenseJob.Run(
            team, (rows + BlockRows - 1) / BlockRows,
            (block, _) =>
            {
                for (var row = block * BlockRows; row < Math.Min(rows, (block + 1) * BlockRows); row++)
                    RotateRow(x.Pointer + (nint)row * x.Columns, x.Columns, positions.Span[row], backward ? -1f : 1f);
            });
    }

    public void Dispose()
    {
        _cosines.Dispose();
        _sines.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RotateRow(float* row, int width, int position, float direction)
    {
        var half = _headDim / 2;
        float* cosines = _cosines.Pointer + (nint)position * half, sines = _sines.Pointer + (nint)position * half;
        for (var head = row; head < row + width; head += _headDim)
        {
            for (var pair = 0; pair < half; pair++)
            {
                float first = head[2 * pair], second = head[2 * pair + 1], sine = sines[pair] * direction;
                head[2 * pair] = first * cosines[pair] - second * sine;
                head[2 * pair + 1] = first * sine + second * cosines[pair];
            }
        }
    }
}
