using Formation.Inference.Kernels.Dense;

namespace Formation.Inference.Training.Layers;

/// <summary>y = gain * x / sqrt(mean(x^2) + epsilon), row by row.</summary>
internal sealed class RmsNorm : IDisposable
{
    private readonly TrainingDevice _device;
    private readonly float _epsilon;
    private readonly DenseMatrix _inverse;
    private readonly DenseMatrix _partial;

    public RmsNorm(TrainingDevice device, string name, ModelShape shape, int capacity)
    {
        _device = device;
        _epsilon = shape.NormEpsilon;
        _inverse = new DenseMatrix(1, capacity);
        _partial = new DenseMatrix(capacity / 64 + 1, shape.Width);
        Gain = new Parameter(name, 1, shape.Width, decays: false);
        Gain.Value.Values.Fill(1f);
    }

    public Parameter Gain { get; }

    public void Forward(DenseMatrix x, DenseMatrix y, int rows) =>
        DenseNorm.Forward(_device.Team, x, Gain.Value, y, _inverse, rows, _epsilon);

    /// <summary>Adds the input's gradient to <paramref name="dx"/>; <paramref name="x"/> is what Forward last saw.</summary>
    public void Backward(DenseMatrix x, DenseMatrix dy, DenseMatrix dx, int rows) =>
        DenseNorm.Backward(_device.Team, x, Gain.Value, _inverse, dy, dx, Gain.Gradient, _partial, rows);

    public void Dispose()
    {
        Gain.Dispose();
        _inverse.Dispose();
        _partial.Dispose();
    }
}
