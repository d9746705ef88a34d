namespace Formation.Inference.Kernels.Benchmarks;

/// <summary>How many positions of one sequence a step computes, and after how many: a chunk of a prompt or a generated token.</summary>
/// <param name="Rows">Positions computed.</param>
/// <param name="Past">Positions before them.</param>
public sealed record AttentionCase(int Rows, int Past)
{
    public static readonly AttentionCase[] All = [new(512, 0), new(512, 3584), new(1, 511), new(1, 4095), new(1, 16383)];

    /// <summary>Positions in the cache at the end.</summary>
    public int Positions => Rows + Past;

    /// <summary>Multiply-adds of a call: each query's products with the keys and the values that it sees.</summary>
    public double MultiplyAdds(int heads, int headSize) => 2.0 * heads * headSize * (Rows * (double)Past + Rows * (Rows + 1.0) / 2);

    public override string ToString() => Rows == 1 ? $"decode at {Positions}" : $"prefill {Rows} at {Past}";
}
