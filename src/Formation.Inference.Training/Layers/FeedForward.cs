using Formation.Inference.Kernels.Dense;

namespace Formation.Inference.Training.Layers;

/// <summary>The gated feed-forward network: down(silu(gate(x)) * up(x)).</summary>
internal sealed class FeedForward : IDisposable
{
    private readonly TrainingDevice _device;
    private readonly Linear _gate;
    private readonly Linear _up;
    private readonly Linear _down;
    private readonly DenseMatrix _gated;
    private readonly DenseMatrix _raised;
    private readonly DenseMatrix _activated;

    public FeedForward(TrainingDevice device, string prefix, ModelShape shape, int capacity)
    {
        _device = device;
        _gate = new Linear(device, prefix + "ffn_gate.weight", shape.Width, shape.FeedForward);
        _up = new Linear(device, prefix + "ffn_up.weight", shape.Width, shape.FeedForward);
        _down = new Linear(device, prefix + "ffn_down.weight", shape.FeedForward, shape.Width);
        _gated = new DenseMatrix(capacity, shape.FeedForward);
        _raised = new DenseMatrix(capacity, shape.FeedForward);
        _activated = new DenseMatrix(capacity, shape.FeedForward);
    }

    public IEnumerable<Parameter> Parameters => [_gate.Weight, _up.Weight, _down.Weight];

    /// <summary>residual += feedForward(x).</summary>
    public void Forward(DenseMatrix x, DenseMatrix residual, int rows)
    {
        _gate.Forward(x, _gated, rows);
        _up.Forward(x, _raised, rows);
        DenseElementwise.GatedSilu(_device.Team, _gated, _raised, _activated, rows);
        _down.Forward(_activated, residual, rows, accumulate: true);
    }

    /// <summary>Writes the gradient of x to <paramref name="dx"/>, given the residual's.</summary>
    public void Backward(DenseMatrix x, DenseMatrix dresidual, DenseMatrix dx, int rows, BlockScratch scratch)
    {
        _down.Backward(_activated, dresidual, scratch.DActivated, rows);
        DenseElementwise.GatedSiluBackward(_device.Team, _gated, _raised, scratch.DActivated, scratch.DGate, scratch.DUp, rows);
        _gate.Backward(x, scratch.DGate, dx, rows);
        _up.Backward(x, scratch.DUp, dx, rows, accumulate: true);
    }

    public void Dispose()
    {
        foreach (var linear in new[] { _gate, _up, _down })
            linear.Dispose();
        foreach (var matrix in new[] { _gated, _raised, _activated })
            matrix.Dispose();
    }
}
