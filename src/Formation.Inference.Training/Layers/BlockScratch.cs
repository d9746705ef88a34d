using Formation.Inference.Kernels.Dense;

namespace Formation.Inference.Training.Layers;

/// <summary>Gradients that live only while one block works, shared by all blocks.</summary>
internal sealed class BlockScratch(ModelShape shape, int capacity) : IDisposable
{
    public DenseMatrix DNormed { get; } = new(capacity, shape.Width);

    public DenseMatrix DAttended { get; } = new(capacity, shape.Width);

    public DenseMatrix DQuery { get; } = new(capacity, shape.Width);

    public DenseMatrix DKey { get; } = new(capacity, shape.KeyWidth);

    public DenseMatrix DValue { get; } = new(capacity, shape.KeyWidth);

    public DenseMatrix DActivated { get; } = new(capacity, shape.FeedForward);

    public DenseMatrix DGate { get; } = new(capacity, shape.FeedForward);

    public DenseMatrix DUp { get; } = new(capacity, shape.FeedForward);

    public void Dispose()
    {
        foreach (var matrix in new[] { DNormed, DAttended, DQuery, DKey, DValue, DActivated, DGate, DUp })
            matrix.Dispose();
    }
}
