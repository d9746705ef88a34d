using Formation.Inference.Kernels.Dense;
using Formation.Inference.Training.Layers;

namespace Formation.Inference.Training.Optimization;

/// <summary>What AdamW is run with.</summary>
/// <param name="Beta1">Decay of the mean of gradients.</param>
/// <param name="Beta2">Decay of the mean of squared gradients.</param>
/// <param name="Epsilon">Keeps the division away from zero.</param>
/// <param name="WeightDecay">Share of a decaying parameter taken away for each unit of learning rate.</param>
/// <param name="ClipNorm">Gradients are scaled down to this norm over all parameters when they exceed it.</param>
public sealed record AdamWOptions(
    float Beta1 = 0.9f, float Beta2 = 0.98f, float Epsilon = 1e-8f, float WeightDecay = 0.1f, float ClipNorm = 1f);

/// <summary>AdamW (Loshchilov and Hutter, 2019) with clipping of the gradients' common norm.</summary>
public sealed class AdamW : IDisposable
{
    private readonly TrainingDevice _device;
    private readonly IReadOnlyList<Parameter> _parameters;
    private readonly AdamWOptions _options;

    public AdamW(TrainingDevice device, IReadOnlyList<Parameter> parameters, AdamWOptions options)
    {
        _device = device;
        _parameters = parameters;
        _options = options;
        Moments = [.. parameters.Select(p => (new DenseMatrix(p.Value.Rows, p.Value.Columns), new DenseMatrix(p.Value.Rows, p.Value.Columns)))];
    }

    /// <summary>Updates done.</summary>
    public int Steps { get; internal set; }

    /// <summary>The mean of gradients and of squared gradients of each parameter.</summary>
    internal IReadOnlyList<(DenseMatrix Mean, DenseMatrix Square)> Moments { get; }

    /// <summary>Changes every parameter against its gradient, clears the gradients and returns their norm before clipping.</summary>
    public double Step(double learningRate)
    {
        var squares = 0.0;
        foreach (var parameter in _parameters)
            squares += DenseAdamW.SumOfSquares(_device.Team, parameter.Gradient);
        var norm = Math.Sqrt(squares);
        Steps++;
        for (var i = 0; i < _parameters.Count; i++)
        {
            var parameter = _parameters[i];
            DenseAdamW.Update(
                _device.Team, parameter.Value, parameter.Gradient, Moments[i].Mean, Moments[i].Square,
                new AdamWStep(
                    (float)learningRate, _options.Beta1, _options.Beta2, _options.Epsilon, parameter.Decays ? _options.WeightDecay : 0f,
                    norm > _options.ClipNorm ? (float)(_options.ClipNorm / norm) : 1f,
                    (float)(1 / (1 - Math.Pow(_options.Beta1, Steps))), (float)(1 / (1 - Math.Pow(_options.Beta2, Steps)))));
        }
        return norm;
    }

    public void Dispose()
    {
        foreach (var (mean, square) in Moments)
        {
            mean.Dispose();
            square.Dispose();
        }
    }
}
