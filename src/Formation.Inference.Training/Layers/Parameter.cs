using Formation.Inference.Kernels.Dense;

namespace Formation.Inference.Training.Layers;

/// <summary>A matrix that training changes, with its gradient.</summary>
public sealed class Parameter : IDisposable
{
    /// <param name="name">The tensor's name in a GGUF file.</param>
    /// <param name="rows">Outputs; 1 for a vector.</param>
    /// <param name="columns">Inputs.</param>
    /// <param name="decays">Whether weight decay applies (matrices yes, gains no).</param>
    public Parameter(string name, int rows, int columns, bool decays)
    {
        Name = name;
        Decays = decays;
        Value = new DenseMatrix(rows, columns);
        Gradient = new DenseMatrix(rows, columns);
    }

    public string Name { get; }

    public bool Decays { get; }

    public DenseMatrix Value { get; }

    /// <summary>Sum of the gradients since the last update.</summary>
    public DenseMatrix Gradient { get; }

    /// <summary>Fills the value with normally distributed numbers.</summary>
    public void Randomize(SeededRandom random, double deviation)
    {
        foreach (ref var value in Value.Values)
            value = (float)(random.NextNormal() * deviation);
    }

    public void Dispose()
    {
        Value.Dispose();
        Gradient.Dispose();
    }
}
