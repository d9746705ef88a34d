using Formation.Inference.Kernels.Dense;

namespace Formation.Inference.Training.Layers;

/// <summary>y = x wᵀ. Keeps no activations: its caller hands the input in again for the gradient.</summary>
internal sealed class Linear(TrainingDevice device, string name, int inputs, int outputs) : IDisposable
{
    public Parameter Weight { get; } = new(name, outputs, inputs, decays: true);

    public void Forward(DenseMatrix x, DenseMatrix y, int rows, bool accumulate = false) =>
        device.Product.Forward(x, Weight.Value, y, rows, accumulate);

    /// <summary>Adds the weight's gradient and writes (or adds) the input's to <paramref name="dx"/>.</summary>
    public void Backward(DenseMatrix x, DenseMatrix dy, DenseMatrix dx, int rows, bool accumulate = false)
    {
        device.Product.AddWeightGradient(dy, x, Weight.Gradient, rows);
        device.Product.InputGradient(dy, Weight.Value, dx, rows, accumulate);
    }

    public void Dispose() => Weight.Dispose();
}
